package import NIOCore

/// A node of a cluster that says who has a key: `MOVED 3999 10.0.0.2:6381` or `ASK 3999 10.0.0.2:6381`. What was asked has not been done.
package struct RedisRedirect: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        /// The slot has another owner.
        case moved
        /// The slot is moving, and this key, for now, is at another node, which has to be told so by `ASKING`.
        case ask
    }

    package let kind: Kind
    package let slot: HashSlot
    package let address: ClusterAddress

    /// - Parameter error: the reply without its type byte. nil is returned for any other error, and for a redirect that is malformed.
    package init?(_ error: ByteBuffer) {
        guard error.readableBytes <= Self.maximumBytes else { return nil }
        let words = String(buffer: error).split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, let slot = Int(words[1]).flatMap({ HashSlot(index: $0) }), let address = ClusterAddress(words[2]) else { return nil }
        switch words[0] {
        case "MOVED": self.kind = .moved
        case "ASK": self.kind = .ask
        default: return nil
        }
        self.slot = slot
        self.address = address
    }

    /// The longest host name, and what stands around it.
    private static let maximumBytes = 300
}

/// Where a node of a cluster says that a node is.
package struct ClusterAddress: Sendable, Hashable {
    /// A host name or an address; nil if it is the host that was asked, as a node says that does not know its own name.
    package let host: String?
    package let port: Int

    /// - Parameters:
    ///   - host: nil or empty for the host that was asked, as is `?`.
    ///   - port: nil is returned for a number that is no port, or a host with other characters than names and addresses have.
    package init?(host: String?, port: Int) {
        guard (1...65_535).contains(port) else { return nil }
        self.port = port
        guard let host, !host.isEmpty, host != "?" else {
            self.host = nil
            return
        }
        guard host.utf8.count <= 255, host.utf8.allSatisfy(Self.isOfHost) else { return nil }
        self.host = host
    }

    /// `host:port`, where the host may be an IPv6 address without brackets, or missing.
    init?(_ text: Substring) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        guard digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let port = Int(digits) else { return nil }
        self.init(host: String(text[..<colon]), port: port)
    }

    private static func isOfHost(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."),
            UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: ":"), UInt8(ascii: "%"):
            true
        default:
            false
        }
    }
}
