/// The stream cannot be read any further. Nothing after the error can be trusted, so the connection has to be closed.
///
/// The description never quotes bytes of the stream: they may be a stored value.
package struct RESPError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What went wrong; opaque, so that a new code breaks no switch.
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Base: String {
            case malformed
            case lineTooLong
            case bulkTooLarge
            case tooManyElements
            case tooDeep
        }

        private let base: Base

        private init(_ base: Base) {
            self.base = base
        }

        /// The bytes are not RESP.
        package static let malformed = Code(.malformed)
        /// A line above `RESPLimits.maximumLineBytes`.
        package static let lineTooLong = Code(.lineTooLong)
        /// A bulk string above what Redis itself can hold.
        package static let bulkTooLarge = Code(.bulkTooLarge)
        /// A reply above `RESPLimits.maximumElements`.
        package static let tooManyElements = Code(.tooManyElements)
        /// A reply above `RESPLimits.maximumDepth`.
        package static let tooDeep = Code(.tooDeep)

        package var description: String { self.base.rawValue }
    }

    package let code: Code
    /// A fixed sentence for the log.
    package let reason: String

    package init(_ code: Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }

    package var description: String { "RESP \(self.code): \(self.reason)" }

    package static func == (left: RESPError, right: RESPError) -> Bool {
        left.code == right.code
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(self.code)
    }
}
