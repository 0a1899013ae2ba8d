package import MemoryStore
package import NIOCore

/// The bytes of a cached value, shared with whoever holds them: neither case copies.
package enum CachedValue: Sendable {
    /// An entry of the embedded store.
    case memory(MemoryHit)
    /// A slice of what Redis sent.
    case buffer(ByteBuffer)

    /// Size in bytes.
    package var count: Int {
        switch self {
        case .memory(let hit): hit.valueCount
        case .buffer(let buffer): buffer.readableBytes
        }
    }

    /// Appends the value to `buffer`. One copy of `count` bytes.
    package func write(into buffer: inout ByteBuffer) {
        switch self {
        case .memory(let hit):
            hit.withValueBytes { bytes in _ = buffer.writeBytes(bytes) }
        case .buffer(let value):
            _ = buffer.writeImmutableBuffer(value)
        }
    }
}
