import Bytes

extension JSONScanner {
    /// Reads a string, from its opening quote. On return, `position` is behind the closing quote; the result says whether there are escapes.
    ///
    /// Plain text goes by eight bytes at a time; what ends a run of it is looked at by itself.
    @inline(__always)
    mutating func skipString(in bytes: Span<UInt8>) throws(Failure) -> Bool {
        let raw = bytes.bytes
        let start = self.position
        var offset = start &+ 1
        var hasEscapes = false
        while true {
            while bytes.count &- offset >= ByteWord.byteCount {
                guard let step = ByteWord(raw, at: offset).firstByteToExamine else {
                    offset &+= ByteWord.byteCount
                    continue
                }
                offset &+= step
                break
            }
            guard offset < bytes.count else { throw Failure(.unterminatedString, at: start) }
            switch bytes[offset] {
            case UInt8(ascii: "\""):
                self.position = offset &+ 1
                return hasEscapes
            case UInt8(ascii: "\\"):
                hasEscapes = true
                offset = try Self.endOfEscape(at: offset, ofStringAt: start, in: bytes)
            case 0x00..<0x20:
                throw Failure(.invalidControlCharacter, at: offset)
            case 0x80...0xFF:
                repeat {
                    let length = UTF8Validator.sequenceLength(at: offset, in: bytes)
                    guard length > 0 else { throw Failure(.invalidUTF8, at: offset) }
                    offset &+= length
                } while offset < bytes.count && bytes[offset] >= 0x80
            default:
                offset &+= 1
            }
        }
    }

    /// The offset behind the escape whose backslash is at `offset`.
    private static func endOfEscape(at offset: Int, ofStringAt start: Int, in bytes: Span<UInt8>) throws(Failure) -> Int {
        guard offset &+ 1 < bytes.count else { throw Failure(.unterminatedString, at: start) }
        switch bytes[offset &+ 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"), UInt8(ascii: "n"),
            UInt8(ascii: "r"), UInt8(ascii: "t"):
            return offset &+ 2
        case UInt8(ascii: "u"):
            // CPython wants the closing quote in sight as well, and blames the escape if the text ends right behind it.
            let end = offset &+ 6
            guard end < bytes.count, JSONEscape.codeUnit(at: offset, in: bytes) != nil else {
                throw Failure(.invalidUnicodeEscape, at: offset &+ 1)
            }
            return end
        default:
            throw Failure(.invalidEscape, at: offset)
        }
    }

    /// Reads a number as far as the grammar of RFC 8259 section 6 goes. Its magnitude does not matter.
    @inline(__always)
    mutating func skipNumber(in bytes: Span<UInt8>) throws(Failure) {
        let start = self.position
        var offset = start
        if bytes[offset] == UInt8(ascii: "-") { offset &+= 1 }
        guard offset < bytes.count else { throw Failure(.expectingValue, at: start) }
        switch bytes[offset] {
        case UInt8(ascii: "0"): offset &+= 1
        case UInt8(ascii: "1")...UInt8(ascii: "9"): offset = Self.endOfDigits(from: offset &+ 1, in: bytes)
        default: throw Failure(.expectingValue, at: start)
        }
        if offset < bytes.count, bytes[offset] == UInt8(ascii: ".") {
            let end = Self.endOfDigits(from: offset &+ 1, in: bytes)
            if end > offset &+ 1 { offset = end }
        }
        if offset < bytes.count, bytes[offset] | 0x20 == UInt8(ascii: "e") {
            var digits = offset &+ 1
            if digits < bytes.count, bytes[digits] == UInt8(ascii: "+") || bytes[digits] == UInt8(ascii: "-") { digits &+= 1 }
            let end = Self.endOfDigits(from: digits, in: bytes)
            if end > digits { offset = end }
        }
        self.position = offset
    }

    @inline(__always)
    private static func endOfDigits(from start: Int, in bytes: Span<UInt8>) -> Int {
        var offset = start
        while offset < bytes.count, bytes[offset] &- UInt8(ascii: "0") < 10 { offset &+= 1 }
        return offset
    }

    /// Reads `true`, `false` or `null`. What follows it is for the caller to judge.
    @inline(__always)
    mutating func skipLiteral(_ literal: String, in bytes: Span<UInt8>) throws(Failure) {
        var offset = self.position
        for byte in literal.utf8 {
            guard offset < bytes.count, bytes[offset] == byte else { throw Failure(.expectingValue, at: self.position) }
            offset &+= 1
        }
        self.position = offset
    }
}

extension ByteWord {
    // Idea: subtracting 1 from every byte of `word ^ pattern` borrows into bit 7 of exactly those bytes that equal the pattern, and subtracting
    // 0x20 does so for the control characters. A borrow also runs on into the bytes above, which may then be reported falsely; the lowest
    // reported byte is always right, and only the lowest is used.

    /// The index, 0 to 7, of the first byte that ends a run of plain text in a JSON string: a quote, a backslash, a control character or a
    /// byte outside ASCII; nil if there is none.
    @inline(__always)
    var firstByteToExamine: Int? {
        let quotes = (self.bits ^ (Self.ones &* 0x22)) &- Self.ones
        let backslashes = (self.bits ^ (Self.ones &* 0x5C)) &- Self.ones
        let controls = self.bits &- (Self.ones &* 0x20)
        // No term of its own for bytes outside ASCII: bit 7 survives the subtraction of 1 in all of them but 0xA2 among the quotes and 0xDC
        // among the backslashes, and so in at least one of the two terms.
        return Self.lowestByte(in: (quotes | backslashes | controls) & Self.highBits)
    }

    /// The index, 0 to 7, of the first byte that JSON requires to be escaped: a quote, a backslash or a control character; nil if there is none.
    @inline(__always)
    var firstByteToEscape: Int? {
        let quotes = (self.bits ^ (Self.ones &* 0x22)) &- Self.ones
        let backslashes = (self.bits ^ (Self.ones &* 0x5C)) &- Self.ones
        let controls = self.bits &- (Self.ones &* 0x20)
        return Self.lowestByte(in: (quotes | backslashes | controls) & ~self.bits & Self.highBits)
    }
}
