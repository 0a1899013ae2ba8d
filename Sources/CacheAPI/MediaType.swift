package import NIOCore

/// The value of `Content-Type` (RFC 9110, section 8.3.1): `type "/" subtype *( OWS ";" OWS [ token "=" ( token / quoted-string ) ] )`.
package struct MediaType: Equatable, Sendable {
    /// The longest that is stored, in bytes.
    package static let maximumBytes = 255
    /// What bytes have that nobody has said anything of.
    package static let unknown: StaticString = "application/octet-stream"

    /// As the sender spells it.
    package let text: ByteBuffer
    /// Whether it is `application/json`, with parameters or without: they mean nothing there (RFC 8259, section 11).
    package let isJSON: Bool

    /// - Returns: nil if it is malformed, or longer than `maximumBytes`. O(bytes).
    package init?(_ text: ByteBuffer) {
        guard text.readableBytes <= Self.maximumBytes else { return nil }
        var scan = Scan(text)
        guard let essence = scan.essence() else { return nil }
        while !scan.isAtEnd { guard scan.parameter() else { return nil } }
        self.text = text
        self.isJSON = Self.isJSON(text.readableBytesUInt8Span, essence)
    }

    private static func isJSON(_ bytes: Span<UInt8>, _ essence: Int) -> Bool {
        let name: StaticString = "application/json"
        guard essence == name.utf8CodeUnitCount else { return false }
        for index in 0..<essence where ByteClass.lowercased(bytes[index]) != name.utf8Start[index] { return false }
        return true
    }

    /// A cursor over the grammar. Text is visible ASCII, spaces and tabs; what is above ASCII is refused, although senders may send it, because receivers
    /// read it in several ways.
    private struct Scan {
        private let bytes: [UInt8]
        private var offset = 0

        init(_ text: ByteBuffer) {
            self.bytes = Array(text.readableBytesView)
        }

        var isAtEnd: Bool { self.offset == self.bytes.count }

        /// `type "/" subtype`. Returns its length; nil if it is malformed.
        mutating func essence() -> Int? {
            guard self.token(), self.take(UInt8(ascii: "/")), self.token() else { return nil }
            return self.offset
        }

        mutating func parameter() -> Bool {
            self.skipBlanks()
            guard self.take(UInt8(ascii: ";")) else { return false }
            self.skipBlanks()
            // A parameter may be missing behind its semicolon.
            guard !self.isAtEnd, self.bytes[self.offset] != UInt8(ascii: ";") else { return true }
            return self.token() && self.take(UInt8(ascii: "=")) && (self.token() || self.quotedString())
        }

        private mutating func token() -> Bool {
            let start = self.offset
            while !self.isAtEnd, ByteClass.isToken(self.bytes[self.offset]) { self.offset += 1 }
            return self.offset > start
        }

        private mutating func quotedString() -> Bool {
            guard self.take(UInt8(ascii: "\"")) else { return false }
            while !self.isAtEnd {
                let byte = self.bytes[self.offset]
                self.offset += 1
                if byte == UInt8(ascii: "\"") { return true }
                guard 0x20...0x7E ~= byte else { return false }
                guard byte == UInt8(ascii: "\\") else { continue }
                guard !self.isAtEnd, 0x20...0x7E ~= self.bytes[self.offset] else { return false }
                self.offset += 1
            }
            return false
        }

        private mutating func take(_ byte: UInt8) -> Bool {
            guard !self.isAtEnd, self.bytes[self.offset] == byte else { return false }
            self.offset += 1
            return true
        }

        private mutating func skipBlanks() {
            while !self.isAtEnd, self.bytes[self.offset] == UInt8(ascii: " ") { self.offset += 1 }
        }
    }
}

/// The value of `Content-Encoding` (RFC 9110, section 8.4): stored and given back, never interpreted.
package enum ContentCoding {
    /// The longest that is stored, in bytes.
    package static let maximumBytes = 64

    /// What is stored of the lines of the field: nil for none, and for `identity`, which says nothing.
    /// - Throws: if they are no list of tokens, or too long.
    static func stored(_ lines: [String]) throws(ValidationFault.Kind) -> ByteBuffer? {
        let names: [String] = lines.joined(separator: ",").split(separator: ",").map { name in name.filter { $0 != " " && $0 != "\t" } }
        let codings = names.filter { name in !name.isEmpty && name.lowercased() != "identity" }
        guard !codings.isEmpty else { return nil }
        let text = codings.joined(separator: ", ")
        guard text.utf8.count <= self.maximumBytes, codings.allSatisfy({ $0.utf8.allSatisfy { ByteClass.isToken($0) } }) else {
            throw .stringPatternMismatch(pattern: "content-coding, as RFC 9110 has it, of at most \(self.maximumBytes) bytes")
        }
        return ByteBuffer(string: text)
    }
}
