package import NIOCore

extension RedisFailure {
    /// Longest first word that is taken for an error's prefix; Redis's own have at most 11 letters.
    private static let maximumPrefixBytes = 24

    /// An error reply as a failure: its first word is the prefix when it is in capitals, as Redis's convention has it, else `ERR`.
    package static func serverError(_ reply: ByteBuffer) -> RedisFailure {
        RedisFailure(.serverError, self.message(reply), prefix: self.prefix(of: reply))
    }

    /// The errors after which the peer is not fit to be talked to: a demoted master, one that loads its data, a replica without its master, a cluster
    /// that is down.
    package var meansUnfitPeer: Bool {
        switch self.serverErrorPrefix {
        case "READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN": true
        default: false
        }
    }

    /// Whether the user may not touch this key, while the command itself is allowed: the fault of one request, not of the configuration. Redis 6 says
    /// "...to access one of the keys used as arguments", Redis 7 "...to access the 'k' key"; of a command both say "...to run the 'get' command".
    package var isAboutTheKey: Bool {
        self.serverErrorPrefix == "NOPERM" && self.logMessage?.contains("to access ") == true
    }

    /// Whether Redis takes no value of this size (`proto-max-bulk-len`): the fault of one request. It ends the connection where the size alone is
    /// too much for it (networking.c), and answers where only the sum is (t_string.c).
    package var isAboutTheValue: Bool {
        guard self.serverErrorPrefix == "ERR", let message = self.logMessage else { return false }
        return message.contains("invalid bulk length") || message.contains("exceeds maximum allowed size")
    }

    static func prefix(of reply: ByteBuffer) -> String {
        let word = reply.readableBytesView.prefix(Self.maximumPrefixBytes).prefix { $0 != UInt8(ascii: " ") }
        let isPrefix = !word.isEmpty && word.allSatisfy { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) || $0 == UInt8(ascii: "_") }
        return isPrefix ? String(decoding: word, as: UTF8.self) : "ERR"
    }

    /// A little more than is kept: whatever is left of a character that this cuts in two goes when the message is bounded.
    private static func message(_ reply: ByteBuffer) -> String {
        String(decoding: reply.readableBytesView.prefix(2 * self.maximumMessageBytes), as: UTF8.self)
    }
}
