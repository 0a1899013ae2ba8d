/// A setting that cannot work. The message names the setting and what is allowed; it never quotes a URL or a secret.
package struct RedisConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong; opaque, so that a new code breaks no switch.
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Base: String {
            case unsupportedScheme
            case invalidUserInfo
            case invalidHost
            case invalidPort
            case invalidPath
            case invalidDatabase
            case invalidQuery
            case outOfRange
        }

        private let base: Base

        private init(_ base: Base) {
            self.base = base
        }

        package static let unsupportedScheme = Code(.unsupportedScheme)
        package static let invalidUserInfo = Code(.invalidUserInfo)
        package static let invalidHost = Code(.invalidHost)
        package static let invalidPort = Code(.invalidPort)
        package static let invalidPath = Code(.invalidPath)
        package static let invalidDatabase = Code(.invalidDatabase)
        package static let invalidQuery = Code(.invalidQuery)
        package static let outOfRange = Code(.outOfRange)

        package var description: String { self.base.rawValue }
    }

    package let code: Code
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { self.message }
}
