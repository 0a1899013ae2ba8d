package import NIOCore

/// Why a command got no reply, or why there is no connection.
///
/// Two words in size, so that a `Result` of it stays small on the hot path; details for the log are behind a reference. Two failures are equal if
/// they have the same code and, for a server error, the same prefix.
package struct RedisFailure: Error, Sendable, Hashable {
    /// The kind of failure; opaque, so that a new code breaks no switch.
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Base: String {
            case notConnected
            case deadlineExceeded
            case queueFull
            case connectionClosed
            case serverError
            case authenticationFailed
            case iamUnavailable
            case databaseRefused
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

        /// There is no connection; the command was not sent.
        package static let notConnected = Code(.notConnected)
        /// No reply in time; the command may or may not have been carried out.
        package static let deadlineExceeded = Code(.deadlineExceeded)
        /// A limit of the connection is reached; the command was not sent.
        package static let queueFull = Code(.queueFull)
        /// The connection ended before the reply; the command may or may not have been carried out.
        package static let connectionClosed = Code(.connectionClosed)
        /// Redis replied with an error; see `serverErrorPrefix`.
        package static let serverError = Code(.serverError)
        /// Redis rejected the configured credentials, or requires some and none are configured.
        package static let authenticationFailed = Code(.authenticationFailed)
        /// Redis could not check the access token: nothing is wrong with the configuration, and another attempt may succeed.
        package static let iamUnavailable = Code(.iamUnavailable)
        /// Redis has no database of the configured number.
        package static let databaseRefused = Code(.databaseRefused)
        /// No connection could be made.
        package static let connectFailed = Code(.connectFailed)
        /// Redis accepted the connection but sends nothing.
        package static let unresponsive = Code(.unresponsive)
        /// The connection cannot be encrypted: the server's certificate is not trusted, or the client's cannot be used.
        package static let tlsFailed = Code(.tlsFailed)
        /// The peer violated the protocol.
        package static let protocolViolation = Code(.protocolViolation)
        /// The reply is of a kind that does not fit the command.
        package static let unexpectedReply = Code(.unexpectedReply)
        /// The calling task was cancelled between two steps of a long call.
        package static let cancelled = Code(.cancelled)

        package var description: String { self.base.rawValue }
    }

    private final class Details: Sendable {
        let prefix: String
        let message: String
        let redirect: RedisRedirect?

        init(prefix: String, message: String, redirect: RedisRedirect? = nil) {
            self.prefix = prefix
            self.message = RedisFailure.bounded(message)
            self.redirect = redirect
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

    /// Of a server error by which a node of a cluster says who has the key (`MOVED`, `ASK`): nothing has been done. nil for every other failure, and for
    /// a redirect that is malformed.
    package var redirect: RedisRedirect? { self.details?.redirect }

    /// A message for the log only, because a server may quote arguments of the command in it. At most `maximumMessageBytes`, without control
    /// characters.
    package var logMessage: String? { self.details?.message }

    /// Maximum length of a message in bytes of UTF-8, not counting the ellipsis.
    package static let maximumMessageBytes = 200

    /// The beginning of a message of a server or library, with control characters escaped, so that it cannot make a log line long or split it.
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

extension RedisFailure {
    /// Maximum length of an error's prefix; those of Redis have at most 11 letters.
    private static let maximumPrefixBytes = 24

    /// The failure for an error reply. By Redis's convention, the first word is the prefix if it is in capitals; otherwise the prefix is `ERR`.
    package static func serverError(_ reply: ByteBuffer) -> RedisFailure {
        let prefix = self.prefix(of: reply)
        let redirect = prefix == "MOVED" || prefix == "ASK" ? RedisRedirect(reply) : nil
        return RedisFailure(code: .serverError, details: Details(prefix: prefix, message: self.message(reply), redirect: redirect))
    }

    /// Whether this server cannot serve at the moment, so that the connection is of no use: a demoted master, one that is loading its data, a replica
    /// without its master. A node of a cluster that is down is not meant: it refuses keys, goes on serving its connections, and comes back on them.
    package var meansUnfitPeer: Bool {
        switch self.serverErrorPrefix {
        case "READONLY", "LOADING", "MASTERDOWN": true
        default: false
        }
    }

    /// Whether a node of a cluster has refused a key, and carried nothing out, because the cluster or a part of it is down (`CLUSTERDOWN`).
    package var isClusterDown: Bool { self.serverErrorPrefix == "CLUSTERDOWN" }

    /// Of `isClusterDown`, whether only the slot of this key is not served (`CLUSTERDOWN Hash slot not served`); otherwise the node refuses every key,
    /// or every write.
    package var isAboutTheSlot: Bool { self.isClusterDown && self.logMessage?.hasPrefix("CLUSTERDOWN Hash slot") == true }

    /// Whether the user may run the command but not access this key: a problem of one request, not of the configuration. Redis 6 says "...to access
    /// one of the keys used as arguments", Redis 7 "...to access the 'k' key"; about a command both say "...to run the 'get' command".
    package var isAboutTheKey: Bool {
        self.serverErrorPrefix == "NOPERM" && self.logMessage?.contains("to access ") == true
    }

    /// Whether Redis rejected the size of the value (`proto-max-bulk-len`): a problem of one request. Redis closes the connection if the argument
    /// alone is too long (networking.c), and replies with an error if only the sum is (t_string.c).
    package var isAboutTheValue: Bool {
        guard self.serverErrorPrefix == "ERR", let message = self.logMessage else { return false }
        return message.contains("invalid bulk length") || message.contains("exceeds maximum allowed size")
    }

    /// Whether the command has certainly not been carried out: it was not sent, or the server has refused it.
    package var meansNothingWasDone: Bool {
        switch self.code {
        case .notConnected, .queueFull, .serverError: true
        default: false
        }
    }

    static func prefix(of reply: ByteBuffer) -> String {
        let word = reply.readableBytesView.prefix(Self.maximumPrefixBytes).prefix { $0 != UInt8(ascii: " ") }
        let isPrefix = !word.isEmpty && word.allSatisfy { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) || $0 == UInt8(ascii: "_") }
        return isPrefix ? String(decoding: word, as: UTF8.self) : "ERR"
    }

    /// A little more than is kept: if this cuts a character in two, bounding the message removes the remainder.
    private static func message(_ reply: ByteBuffer) -> String {
        String(decoding: reply.readableBytesView.prefix(2 * self.maximumMessageBytes), as: UTF8.self)
    }
}
