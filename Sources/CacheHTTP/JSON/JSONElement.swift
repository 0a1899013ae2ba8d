/// Where a JSON value stands in the text it was found in.
package struct JSONElement: Equatable, Sendable {
    /// First byte to one past the last, without surrounding whitespace. A string includes its quotes.
    package let range: Range<Int>

    package let kind: JSONKind

    /// Whether the value is a string with at least one escape, so that its text differs from its bytes.
    package let hasEscapes: Bool
}
