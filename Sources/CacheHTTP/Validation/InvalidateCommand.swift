package import NIOCore

/// A valid request to delete the keys that match a pattern.
package struct InvalidateCommand: Equatable, Sendable {
    /// A glob, UTF-8, with the escapes of its JSON spelling resolved; at least one byte. Shares the storage of the request body where it can.
    package let pattern: ByteBuffer

    /// Whether the keys are only to be counted.
    package let dryRun: Bool
}
