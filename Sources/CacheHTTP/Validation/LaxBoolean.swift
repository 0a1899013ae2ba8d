import NIOCore

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
