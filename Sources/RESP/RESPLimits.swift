/// What a decoder accepts before it says that the peer is not a Redis that this service can talk to.
package struct RESPLimits: Sendable, Hashable {
    /// Redis itself refuses strings above this (`proto-max-bulk-len`, 512 MiB by default), so a longer announcement is a broken stream.
    package static let protocolMaximumBulkBytes = 512 * 1024 * 1024

    /// Longest bulk payload that is delivered, in bytes; a longer one, up to `protocolMaximumBulkBytes`, arrives as `.oversized`.
    package var maximumBulkBytes: Int
    /// Deepest nesting of aggregates; a flat array has the depth 1.
    package var maximumDepth: Int
    /// Most elements, over all levels and with attributes, that one reply may announce; a map entry counts as two.
    package var maximumElements: Int
    /// Longest line, in bytes, with its type byte and without CRLF.
    package var maximumLineBytes: Int

    package init(
        maximumBulkBytes: Int = 8 * 1024 * 1024,
        maximumDepth: Int = 32,
        maximumElements: Int = 1_048_576,
        maximumLineBytes: Int = 64 * 1024
    ) {
        self.maximumBulkBytes = maximumBulkBytes
        self.maximumDepth = maximumDepth
        self.maximumElements = maximumElements
        self.maximumLineBytes = maximumLineBytes
    }
}
