import Testing

/// A text, and whether it is JSON to this service. In names, as in Nicolas Seriot's JSONTestSuite: `y` must be accepted and `n` refused by
/// RFC 8259; `i` is left open by it, and decided here.
struct JSONCase: Sendable, CustomTestStringConvertible {
    enum Foundation {
        /// `JSONSerialization` judges as this service does.
        case agrees
        /// It judges otherwise; the reason is for the reader.
        case differs(String)
    }

    let name: String
    let bytes: [UInt8]
    let isValid: Bool
    let foundation: Foundation

    var testDescription: String { self.name }

    static func valid(_ name: String, _ text: String, _ foundation: Foundation = .agrees) -> JSONCase {
        JSONCase(name: name, bytes: Array(text.utf8), isValid: true, foundation: foundation)
    }

    static func invalid(_ name: String, _ text: String, _ foundation: Foundation = .agrees) -> JSONCase {
        JSONCase(name: name, bytes: Array(text.utf8), isValid: false, foundation: foundation)
    }

    static func invalid(_ name: String, bytes: [UInt8], _ foundation: Foundation = .agrees) -> JSONCase {
        JSONCase(name: name, bytes: bytes, isValid: false, foundation: foundation)
    }
}
