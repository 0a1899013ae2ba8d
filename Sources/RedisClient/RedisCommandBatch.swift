import NIOCore

/// The commands of one tick, encoded one after the other.
///
/// Two buffers take turns: the one handed to the channel is not written to until the other was handed over too, by which time the socket has normally
/// taken its bytes and the memory is unshared again. So neither a copy-on-write nor an allocation happens per tick. When the socket is slow,
/// `clear()` finds the memory shared and allocates; a buffer that grew in a burst is let go.
struct RedisCommandBatch {
    private static let initialCapacity = 16 * 1024
    private static let retainedCapacity = 1024 * 1024

    var buffer: ByteBuffer
    private var spare: ByteBuffer

    init(allocator: ByteBufferAllocator = ByteBufferAllocator()) {
        self.buffer = allocator.buffer(capacity: Self.initialCapacity)
        self.spare = allocator.buffer(capacity: Self.initialCapacity)
    }

    var byteCount: Int { self.buffer.readableBytes }

    /// Hands over what was collected and starts anew.
    mutating func take() -> ByteBuffer {
        let taken = self.buffer
        swap(&self.buffer, &self.spare)
        if self.buffer.capacity > Self.retainedCapacity {
            self.buffer = ByteBuffer()
            self.buffer.reserveCapacity(Self.initialCapacity)
        } else {
            self.buffer.clear()
        }
        return taken
    }

    /// Drops what was collected.
    mutating func removeAll() {
        self.buffer.clear()
    }
}
