import Bytes
import JSON
import NIOCore

/// Integers in the lax mode of Pydantic 2.5.
///
/// - A number without fraction or exponent is an integer of any size; beyond 4300 digits, the limit of Python, it is refused.
/// - Any other number is a double first: it must be finite, without a fractional part and within 64 bits.
/// - A string is `[+-]digits`, or `[+-]digits.zeros` with any number of zeros, or the former with single underscores anywhere but at the
///   ends of the string. There is no whitespace around it. Beyond 4300 bytes it is refused.
/// - `true` is 1, `false` is 0.
///
/// One oddity is left out: Pydantic hands strings of 19 bytes and more to another parser, which lets underscores stray (`00000000000000000_6__0`).
///
/// Python's integers have no bounds. Here, those beyond 64 bits are the nearest 64-bit integer, which no limit admits either.
package enum LaxInteger {
    /// `sys.int_info.default_max_str_digits` of Python.
    private static let maximumByteCount = 4300

    /// The integer that `element`, which is not `null`, stands for. O(n).
    static func read(_ element: JSONElement, in body: ByteBuffer) throws(ValidationFault.Kind) -> Int64 {
        switch element.kind {
        case .number:
            if let integer = self.nearestInteger(body.readableBytesUInt8Span.extracting(element.range))?.value {
                guard element.range.count <= self.maximumByteCount else { throw .intParsingSize }
                return integer
            }
            return try self.integer(from: self.double(element.slice(of: body)))
        case .string:
            guard let text = element.decodeString(in: body) else { throw .stringUnicode }
            guard text.readableBytes <= self.maximumByteCount else { throw .intParsingSize }
            guard let integer = self.integer(inString: text.readableBytesUInt8Span) else { throw .intParsing }
            return integer
        case .true:
            return 1
        case .false:
            return 0
        case .object, .array, .null:
            throw .intType
        }
    }

    /// The double nearest to a JSON number; infinite if it is out of range.
    static func double(_ number: ByteBuffer) -> Double {
        // Every JSON number is spelled as Swift spells one, so that the fallback is out of reach.
        Double(String(buffer: number)) ?? .nan
    }

    /// The integer that equals `double`.
    static func integer(from double: Double) throws(ValidationFault.Kind) -> Int64 {
        guard double.isFinite else { throw .finiteNumber }
        guard double == double.rounded(.towardZero) else { throw .intFromFloat }
        // -2^63 is an Int64, but Pydantic leaves out both ends.
        guard double.magnitude < 0x1p63 else { throw .intParsingSize }
        return Int64(double)
    }

    /// The 64-bit integer nearest to the one that `text` spells as `[+-]digits`, and whether it is that one. Nil if `text` is anything else.
    package static func nearestInteger(_ text: Span<UInt8>) -> (value: Int64, isExact: Bool)? {
        guard text.count > 0 else { return nil }
        let isNegative = text[0] == UInt8(ascii: "-")
        let start = isNegative || text[0] == UInt8(ascii: "+") ? 1 : 0
        guard start < text.count else { return nil }
        var value: Int64 = 0
        var overflows = false
        for index in start..<text.count {
            let digit = text[index] &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            // Counted away from zero on its own side, as Int64.min has no positive counterpart.
            let (product, exceedsByProduct) = value.multipliedReportingOverflow(by: 10)
            let (sum, exceedsBySum) = product.addingReportingOverflow(isNegative ? -Int64(digit) : Int64(digit))
            overflows = overflows || exceedsByProduct || exceedsBySum
            value = sum
        }
        guard overflows else { return (value, true) }
        return (isNegative ? .min : .max, false)
    }

    private static func integer(inString text: Span<UInt8>) -> Int64? {
        if let integer = self.nearestInteger(text)?.value { return integer }
        if let integer = self.integerBeforeZeros(text) { return integer }
        return self.integerWithoutUnderscores(text)
    }

    private static func integerBeforeZeros(_ text: Span<UInt8>) -> Int64? {
        var end = text.count
        while end > 0, text[end - 1] == UInt8(ascii: "0") { end -= 1 }
        guard end > 0, text[end - 1] == UInt8(ascii: ".") else { return nil }
        return self.nearestInteger(text.extracting(0..<end - 1))?.value
    }

    private static func integerWithoutUnderscores(_ text: Span<UInt8>) -> Int64? {
        var digits: [UInt8] = []
        // Stands in for the start of the string, since an underscore is refused there as behind another one.
        var previous = UInt8(ascii: "_")
        for index in text.indices {
            let byte = text[index]
            if byte != UInt8(ascii: "_") {
                digits.append(byte)
            } else if previous == UInt8(ascii: "_") {
                return nil
            }
            previous = byte
        }
        guard previous != UInt8(ascii: "_") else { return nil }
        return self.nearestInteger(digits.span)?.value
    }
}

/// Booleans in the lax mode of Pydantic 2.5: `true` and `false`; a number that equals 1 or 0; a string that is one of six words for either,
/// in any case, without whitespace around it.
enum LaxBoolean {
    private static let longestWord = 5

    /// The Boolean that `element` stands for. O(n).
    static func read(_ element: JSONElement, in body: ByteBuffer) throws(ValidationFault.Kind) -> Bool {
        switch element.kind {
        case .true:
            return true
        case .false:
            return false
        case .number:
            return try self.boolean(fromNumber: element.slice(of: body))
        case .string:
            guard let text = element.decodeString(in: body) else { throw .stringUnicode }
            guard text.readableBytes <= self.longestWord else { throw .boolParsing }
            return try self.boolean(fromWord: String(buffer: text))
        case .object, .array, .null:
            throw .boolType
        }
    }

    private static func boolean(fromNumber number: ByteBuffer) throws(ValidationFault.Kind) -> Bool {
        let integer: Int64
        if let nearest = LaxInteger.nearestInteger(number.readableBytesUInt8Span) {
            guard nearest.isExact else { throw .boolType }
            integer = nearest.value
        } else {
            do throws(ValidationFault.Kind) {
                integer = try LaxInteger.integer(from: LaxInteger.double(number))
            } catch {
                // Which of the ways of not being an integer it is does not matter to a Boolean.
                throw .boolType
            }
        }
        switch integer {
        case 0: return false
        case 1: return true
        default: throw .boolParsing
        }
    }

    private static func boolean(fromWord word: String) throws(ValidationFault.Kind) -> Bool {
        switch word.lowercased() {
        case "1", "on", "t", "true", "y", "yes": return true
        case "0", "off", "f", "false", "n", "no": return false
        default: throw .boolParsing
        }
    }
}
