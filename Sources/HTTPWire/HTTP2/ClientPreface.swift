import NIOCore

/// The bytes with which a client opens HTTP/2 without asking first (RFC 9113, sections 3.3 and 3.4).
enum ClientPreface {
    enum Finding {
        case http1
        case http2
        /// What has come may begin either.
        case undecided
    }

    private static let text: StaticString = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

    /// Judges the first bytes of a connection. O(1).
    static func find(in bytes: UnsafeRawBufferPointer) -> Finding {
        let count = min(bytes.count, self.text.utf8CodeUnitCount)
        for index in 0..<count where bytes[index] != self.text.utf8Start[index] { return .http1 }
        return count == self.text.utf8CodeUnitCount ? .http2 : .undecided
    }
}
