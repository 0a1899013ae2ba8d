package import NIOCore

/// A valid request to store a value. The buffers share the storage of the request body where they can.
package struct SetCommand: Equatable, Sendable {
    /// UTF-8, with the escapes of its JSON spelling resolved.
    package let key: ByteBuffer

    /// One JSON value, byte for byte as the request spells it, without surrounding whitespace.
    package let value: ByteBuffer

    /// Seconds until the value expires, at least 1. Nil where it does not expire.
    package let ttl: Int64?
}
