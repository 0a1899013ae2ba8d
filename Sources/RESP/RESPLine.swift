import NIOCore

/// The meaning of one line, given with its type byte and without its CRLF.
enum RESPLine {
    case value(RESPValue)
    case bulk(RESPDecoder.BulkKind, byteCount: Int)
    /// `elementCount` counts the keys and values of a map separately.
    case aggregate(RESPAggregate.Kind, elementCount: Int)

    /// Whether a reply can begin with this byte; lets the decoder reject garbage at its first byte.
    static func isType(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: ":"), UInt8(ascii: "$"), UInt8(ascii: "*"), UInt8(ascii: "_"), UInt8(ascii: "#"),
            UInt8(ascii: ","), UInt8(ascii: "("), UInt8(ascii: "!"), UInt8(ascii: "="), UInt8(ascii: "%"), UInt8(ascii: "~"), UInt8(ascii: ">"),
            UInt8(ascii: "|"):
            true
        default:
            false
        }
    }

    static func parse(_ line: ByteBuffer) throws(RESPError) -> RESPLine {
        var content = line
        switch content.readInteger(as: UInt8.self) {
        case UInt8(ascii: "+"): return .value(self.isOK(content) ? .simpleOK : .simpleString(content))
        case UInt8(ascii: "-"): return .value(.error(content))
        case UInt8(ascii: ":"): return .value(.integer(try self.integer(content)))
        case UInt8(ascii: "$"): return try self.length(content).map { .bulk(.string, byteCount: $0) } ?? .value(.null)
        case UInt8(ascii: "*"): return try self.length(content).map { .aggregate(.array, elementCount: $0) } ?? .value(.null)
        case UInt8(ascii: "_"): return .value(try self.null(content))
        case UInt8(ascii: "#"): return .value(.boolean(try self.boolean(content)))
        case UInt8(ascii: ","): return .value(.double(try self.double(content)))
        case UInt8(ascii: "("): return .value(.bigNumber(try self.bigNumber(content)))
        case UInt8(ascii: "!"): return .bulk(.error, byteCount: try self.knownLength(content))
        case UInt8(ascii: "="): return .bulk(.verbatim, byteCount: try self.knownLength(content))
        case UInt8(ascii: "%"): return .aggregate(.map, elementCount: try self.pairs(content))
        case UInt8(ascii: "~"): return .aggregate(.set, elementCount: try self.knownLength(content))
        case UInt8(ascii: ">"): return .aggregate(.push, elementCount: try self.knownLength(content))
        case UInt8(ascii: "|"): return .aggregate(.attribute, elementCount: try self.pairs(content))
        default: throw RESPError(.malformed, "unknown type byte")
        }
    }

    private static func isOK(_ content: ByteBuffer) -> Bool {
        content.readableBytes == 2 && content.getInteger(at: content.readerIndex, as: UInt16.self) == 0x4F4B
    }

    private static func integer(_ content: ByteBuffer) throws(RESPError) -> Int64 {
        guard let value = RESPInteger.parse(content.readableBytesUInt8Span) else {
            throw RESPError(.malformed, "not an integer")
        }
        return value
    }

    /// A length, or nil for `-1`, which is null in RESP2. Unlike an integer, a length may have no other sign.
    private static func length(_ content: ByteBuffer) throws(RESPError) -> Int? {
        let value = try self.integer(content)
        switch content.getInteger(at: content.readerIndex, as: UInt8.self) {
        case UInt8(ascii: "+"):
            throw RESPError(.malformed, "a length with a sign")
        case UInt8(ascii: "-"):
            guard value == -1, content.readableBytes == 2 else {
                throw RESPError(.malformed, "a negative length")
            }
            return nil
        default:
            return Int(value)
        }
    }

    private static func knownLength(_ content: ByteBuffer) throws(RESPError) -> Int {
        guard let value = try self.length(content) else {
            throw RESPError(.malformed, "a negative length")
        }
        return value
    }

    private static func pairs(_ content: ByteBuffer) throws(RESPError) -> Int {
        let (elements, overflow) = try self.knownLength(content).multipliedReportingOverflow(by: 2)
        guard !overflow else {
            throw RESPError(.tooManyElements, "a reply has too many elements")
        }
        return elements
    }

    private static func null(_ content: ByteBuffer) throws(RESPError) -> RESPValue {
        guard content.readableBytes == 0 else {
            throw RESPError(.malformed, "a null with content")
        }
        return .null
    }

    private static func boolean(_ content: ByteBuffer) throws(RESPError) -> Bool {
        var content = content
        switch (content.readInteger(as: UInt8.self), content.readableBytes) {
        case (UInt8(ascii: "t"), 0): return true
        case (UInt8(ascii: "f"), 0): return false
        default: throw RESPError(.malformed, "not a boolean")
        }
    }

    private static func double(_ content: ByteBuffer) throws(RESPError) -> Double {
        switch String(buffer: content) {
        case "inf", "+inf": return .infinity
        case "-inf": return -.infinity
        case "nan", "-nan": return .nan
        case let digits:
            // `Double(_:)` also accepts hexadecimal and its own spellings of infinity, which are not RESP.
            let isDecimal = digits.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || "+-.eE".utf8.contains($0) }
            guard isDecimal, let value = Double(digits) else {
                throw RESPError(.malformed, "not a double")
            }
            return value
        }
    }

    private static func bigNumber(_ content: ByteBuffer) throws(RESPError) -> ByteBuffer {
        let bytes = content.readableBytesUInt8Span
        let hasSign = bytes.count > 0 && (bytes[0] == UInt8(ascii: "-") || bytes[0] == UInt8(ascii: "+"))
        let start = hasSign ? 1 : 0
        guard start < bytes.count else {
            throw RESPError(.malformed, "not a big number")
        }
        for index in start..<bytes.count {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[index]) else {
                throw RESPError(.malformed, "not a big number")
            }
        }
        return content
    }
}

/// The protocol's decimal integers, parsed without going through `String`.
private enum RESPInteger {
    /// All of `bytes` as `[+-]digits`, or nil if it is anything else or does not fit.
    static func parse(_ bytes: Span<UInt8>) -> Int64? {
        guard bytes.count > 0 else {
            return nil
        }
        let isNegative = bytes[0] == UInt8(ascii: "-")
        var index = isNegative || bytes[0] == UInt8(ascii: "+") ? 1 : 0
        guard index < bytes.count else {
            return nil
        }
        // Accumulated as a negative number, because Int64.min has no positive counterpart.
        var value: Int64 = 0
        while index < bytes.count {
            let digit = bytes[index] &- UInt8(ascii: "0")
            guard digit < 10 else {
                return nil
            }
            let (scaled, scaleOverflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, sumOverflow) = scaled.subtractingReportingOverflow(Int64(digit))
            guard !scaleOverflow, !sumOverflow else {
                return nil
            }
            value = sum
            index += 1
        }
        guard !isNegative else {
            return value
        }
        return value == .min ? nil : -value
    }
}
