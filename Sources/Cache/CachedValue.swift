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

    /// Lends the bytes for the time of the call. O(1) besides `body`.
    package func withBytes(_ body: (UnsafeRawBufferPointer) -> Void) {
        switch self {
        case .memory(let hit): hit.withValueBytes(body)
        case .buffer(let value): value.withUnsafeReadableBytes(body)
        }
    }
}
