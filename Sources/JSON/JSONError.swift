import Bytes

/// Why a text is not a JSON document, and where.
///
/// The sentences and offsets are those of Python 3.11's `json` module, because the clients of the service know its answers from there;
/// the three sentences Python has no counterpart for are marked.
@usableFromInline package struct JSONError: Error, Equatable, Sendable {
    /// What is wrong. The raw value is the sentence for the client.
    package enum Code: String, Sendable {
        case expectingValue = "Expecting value"
        case expectingPropertyName = "Expecting property name enclosed in double quotes"
        case expectingColon = "Expecting ':' delimiter"
        case expectingComma = "Expecting ',' delimiter"
        case extraData = "Extra data"
        case unterminatedString = "Unterminated string starting at"
        case invalidControlCharacter = "Invalid control character at"
        case invalidEscape = "Invalid \\escape"
        case invalidUnicodeEscape = "Invalid \\uXXXX escape"
        /// RFC 8259 section 8.1: a byte order mark must not be added. Python's words for a `str` that starts with one.
        case byteOrderMark = "Unexpected UTF-8 BOM (decode using utf-8-sig)"
        /// Own sentence: Python's service answered 400 without saying where.
        case invalidUTF8 = "Invalid UTF-8 at"
        /// Own sentence: Python stops where its stack ends.
        case nestingTooDeep = "Nesting too deep at"
    }

    package let code: Code

    /// Where it is wrong, in bytes from the start of the text.
    package let byteOffset: Int

    /// Where it is wrong, in Unicode scalars from the start of the text, as Python counts.
    package let characterOffset: Int

    /// The sentence for the client, without the offset.
    package var message: String { self.code.rawValue }

    /// Locates a failure of the scanner for the client. O(n): the text before the failure is counted, the rest is checked for UTF-8.
    ///
    /// A text that is not UTF-8 is no text, whatever else is wrong with it: Python decodes before it parses, so the first malformed byte
    /// anywhere takes precedence over the syntax error that stopped the scan.
    init(_ failure: JSONScanner.Failure, in bytes: Span<UInt8>) {
        var failure = failure
        if let malformed = UTF8Validator.firstMalformedByte(in: bytes) {
            failure = JSONScanner.Failure(.invalidUTF8, at: malformed)
        }
        self.code = failure.code
        self.byteOffset = failure.byteOffset
        self.characterOffset = UTF8Validator.scalarCount(in: bytes.extracting(first: failure.byteOffset))
    }
}
