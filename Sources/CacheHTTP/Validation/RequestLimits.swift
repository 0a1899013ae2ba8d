/// What a request body may ask for. Every limit is inclusive.
package struct RequestLimits: Equatable, Sendable {
    /// The longest key or pattern, in bytes of UTF-8. At least 1.
    package var maximumKeyBytes: Int

    /// The longest value, in bytes of its JSON text without surrounding whitespace. At least 1.
    package var maximumValueBytes: Int

    /// The longest time to live, in seconds. 1 to `Int64.max - 1`.
    package var maximumTTLSeconds: Int64

    /// How many JSON containers may be open at once in a body, the body itself included. 1 to 1024.
    package var maximumJSONDepth: Int

    /// - Precondition: every limit is within the range that its property states.
    package init(
        maximumKeyBytes: Int = 1024,
        maximumValueBytes: Int = 1 << 20,
        maximumTTLSeconds: Int64 = 315_360_000,
        maximumJSONDepth: Int = JSONScanner.defaultMaximumDepth
    ) {
        precondition(maximumKeyBytes >= 1 && maximumValueBytes >= 1, "a limit in bytes is at least 1")
        precondition(1..<Int64.max ~= maximumTTLSeconds, "the limit of the time to live is 1 to 2^63 - 2 seconds")
        precondition(1...JSONScanner.greatestMaximumDepth ~= maximumJSONDepth, "the limit of the depth is 1 to 1024")
        self.maximumKeyBytes = maximumKeyBytes
        self.maximumValueBytes = maximumValueBytes
        self.maximumTTLSeconds = maximumTTLSeconds
        self.maximumJSONDepth = maximumJSONDepth
    }
}
