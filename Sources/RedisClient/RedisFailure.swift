/// Why a command has no reply, or why there is no connection.
///
/// Two words, so that a `Result` of it stays small on the hot path; what only the log needs hangs off a reference. Equal means the same code and, for
/// a server's error, the same prefix.
package struct RedisFailure: Error, Sendable, Hashable {
    /// What happened; opaque, so that a new code breaks no switch.
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Base: String {
            case notConnected
            case deadlineExceeded
            case queueFull
            case connectionClosed
            case serverError
            case authenticationFailed
            case connectFailed
            case unresponsive
            case tlsFailed
            case protocolViolation
            case unexpectedReply
            case cancelled
        }

        private let base: Base

        private init(_ base: Base) {
            self.base = base
        }

        /// There is no connection now; the command was not sent.
        package static let notConnected = Code(.notConnected)
        /// No reply in time; the command may or may not have been carried out.
        package static let deadlineExceeded = Code(.deadlineExceeded)
        /// A bound of the connection is reached; the command was not sent.
        package static let queueFull = Code(.queueFull)
        /// The connection ended before the reply; the command may or may not have been carried out.
        package static let connectionClosed = Code(.connectionClosed)
        /// Redis answered with an error; see `serverErrorPrefix`.
        package static let serverError = Code(.serverError)
        /// Redis wants other credentials than those configured.
        package static let authenticationFailed = Code(.authenticationFailed)
        /// No connection could be made.
        package static let connectFailed = Code(.connectFailed)
        /// Redis accepts a connection, or has one, and sends nothing on it.
        package static let unresponsive = Code(.unresponsive)
        /// The connection cannot be encrypted: a certificate is not believed, or ours cannot be used.
        package static let tlsFailed = Code(.tlsFailed)
        /// The peer does not speak RESP as it should.
        package static let protocolViolation = Code(.protocolViolation)
        /// The reply is of a kind that the command does not give.
        package static let unexpectedReply = Code(.unexpectedReply)
        /// The calling task was cancelled between two steps of a long call.
        package static let cancelled = Code(.cancelled)

        package var description: String { self.base.rawValue }
    }

    private final class Details: Sendable {
        let prefix: String
        let message: String

        init(prefix: String, message: String) {
            self.prefix = prefix
            self.message = RedisFailure.bounded(message)
        }
    }

    package let code: Code
    private let details: Details?

    private init(code: Code, details: Details?) {
        self.code = code
        self.details = details
    }

    package init(_ code: Code, _ message: String? = nil, prefix: String = "") {
        self.init(code: code, details: message.map { Details(prefix: prefix, message: $0) })
    }

    package static let notConnected = RedisFailure(code: .notConnected, details: nil)
    package static let deadlineExceeded = RedisFailure(code: .deadlineExceeded, details: nil)
    package static let queueFull = RedisFailure(code: .queueFull, details: nil)
    package static let connectionClosed = RedisFailure(code: .connectionClosed, details: nil)
    package static let unexpectedReply = RedisFailure(code: .unexpectedReply, details: nil)
    package static let cancelled = RedisFailure(code: .cancelled, details: nil)

    /// The first word of a server's error (`READONLY`, `OOM`, `LOADING`, `NOAUTH`, `NOPERM`, `ERR`, ...), or nil for every other code.
    package var serverErrorPrefix: String? {
        guard let details = self.details, !details.prefix.isEmpty else {
            return nil
        }
        return details.prefix
    }

    /// More words, for the log only: a server's message may quote arguments of the command. At most `maximumMessageBytes`, without control
    /// characters.
    package var logMessage: String? { self.details?.message }

    /// Length of a message in bytes of UTF-8, an ellipsis aside.
    package static let maximumMessageBytes = 200

    /// What a server or a library says, so that no log line becomes long or several by it: the beginning, with control characters escaped.
    private static func bounded(_ message: String) -> String {
        guard message.utf8.count > Self.maximumMessageBytes || message.utf8.contains(where: { !(0x20..<0x7F).contains($0) }) else { return message }
        var bounded = ""
        for scalar in message.unicodeScalars {
            let text =
                switch scalar.properties.generalCategory {
                case .control, .format, .lineSeparator, .paragraphSeparator: "\\u{\(String(scalar.value, radix: 16))}"
                default: String(scalar)
                }
            guard bounded.utf8.count + text.utf8.count <= Self.maximumMessageBytes else { return bounded + "…" }
            bounded += text
        }
        return bounded
    }

    package static func == (left: RedisFailure, right: RedisFailure) -> Bool {
        left.code == right.code && left.serverErrorPrefix == right.serverErrorPrefix
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(self.code)
        hasher.combine(self.serverErrorPrefix)
    }
}

extension RedisFailure: CustomStringConvertible {
    /// Code and prefix, without any message.
    package var description: String {
        self.serverErrorPrefix.map { "\(self.code) \($0)" } ?? self.code.description
    }
}
