package import NIOCore
package import RESP

/// The commands of the hot path. Each call either appends its command to the batch and returns nil, or returns why the command is refused. The
/// receiver of a refused command hears nothing of it.
extension RedisConnection {
    /// `GET key`: a bulk string or null.
    package func get(_ key: ByteBuffer, token: UInt64, receiver: any RedisReplyReceiver) -> RedisFailure? {
        if let refusal = self.admit(key.readableBytes + RESPEncoder.maximumOverhead, token, receiver) { return refusal }
        RESPEncoder.writeGet(key: key.readableBytesUInt8Span, into: &self.batch.buffer)
        return nil
    }

    /// `GET key`, of which Redis says when it is no longer true: `CLIENT CACHING YES`, then `GET`.
    /// - Parameter consentReceiver: gets the reply to `CLIENT CACHING YES`, before `receiver` gets its own. Unless it is `.simpleOK`, the read is not tracked.
    package func trackedGet(
        _ key: ByteBuffer, token: UInt64, receiver: any RedisReplyReceiver, consentReceiver: any RedisReplyReceiver
    ) -> RedisFailure? {
        let byteCount = key.readableBytes + RESPEncoder.maximumOverhead
        if let refusal = self.admit(byteCount, token, consentReceiver) { return refusal }
        if let refusal = self.admit(byteCount, token, receiver) {
            // The first command has been admitted. It makes Redis track whatever comes next, which is harmless.
            RESPEncoder.write(command: ["CLIENT", "CACHING", "YES"], into: &self.batch.buffer)
            return refusal
        }
        RESPEncoder.writeTrackedGet(key: key.readableBytesUInt8Span, into: &self.batch.buffer)
        return nil
    }

    /// `PTTL key`: milliseconds, -1 without a time to live, -2 without the key.
    package func pttl(_ key: ByteBuffer, token: UInt64, receiver: any RedisReplyReceiver) -> RedisFailure? {
        if let refusal = self.admit(key.readableBytes + RESPEncoder.maximumOverhead, token, receiver) { return refusal }
        RESPEncoder.writePTTL(key: key.readableBytesUInt8Span, into: &self.batch.buffer)
        return nil
    }

    /// `SET key value`, or `SET key value PX ttlMilliseconds`: `.simpleOK`. Redis refuses a time to live of zero or less.
    package func set(
        _ key: ByteBuffer, _ value: ByteBuffer, ttlMilliseconds: Int64?, token: UInt64, receiver: any RedisReplyReceiver
    ) -> RedisFailure? {
        if let refusal = self.admit(key.readableBytes + value.readableBytes + RESPEncoder.maximumOverhead, token, receiver) { return refusal }
        let (key, value) = (key.readableBytesUInt8Span, value.readableBytesUInt8Span)
        if let ttlMilliseconds {
            RESPEncoder.writeSet(key: key, value: value, ttlMilliseconds: ttlMilliseconds, into: &self.batch.buffer)
        } else {
            RESPEncoder.writeSet(key: key, value: value, into: &self.batch.buffer)
        }
        return nil
    }

    /// `UNLINK key`: the integer 1 if the key was there, else 0.
    package func unlink(_ key: ByteBuffer, token: UInt64, receiver: any RedisReplyReceiver) -> RedisFailure? {
        if let refusal = self.admit(key.readableBytes + RESPEncoder.maximumOverhead, token, receiver) { return refusal }
        RESPEncoder.writeUnlink(key: key.readableBytesUInt8Span, into: &self.batch.buffer)
        return nil
    }

    /// Any command that has exactly one reply and leaves the connection as it was: not SUBSCRIBE, MONITOR, CLIENT REPLY or a blocking command.
    package func send(_ command: [RESPArgument], token: UInt64, receiver: any RedisReplyReceiver) -> RedisFailure? {
        if let refusal = self.admit(RESPEncoder.maximumByteCount(of: command), token, receiver) { return refusal }
        RESPEncoder.write(command: command, into: &self.batch.buffer)
        return nil
    }

    /// Whether a batch of so many commands is accepted and leaves room for others; true without a connection, which accepts nothing anyway.
    /// - Parameter byteCount: of keys and values.
    package func hasRoom(forBatchOf count: Int, byteCount: Int) -> Bool {
        self.machine.hasRoom(
            forBatchOf: count, byteCount: byteCount + count * RESPEncoder.maximumOverhead, batchByteCount: self.batch.byteCount)
    }

    /// Asks the state machine. If it returns nil, the caller must append the command to the batch.
    func admit(_ byteCount: Int, _ token: UInt64, _ receiver: any RedisReplyReceiver) -> RedisFailure? {
        self.eventLoop.assertInEventLoop()
        if !self.flushIsScheduled {
            self.tickStart = self.eventLoop.now
        }
        let action = self.machine.offered(
            receiver,
            token: token,
            byteCount: byteCount,
            batchByteCount: self.batch.byteCount,
            now: self.tickStart
        )
        switch action {
        case .append(let wakeUp):
            self.scheduleFlush()
            self.armTimer(at: wakeUp)
            return nil
        case .reject(let failure):
            self.counters.recordRejected()
            return failure
        }
    }

    private func scheduleFlush() {
        guard !self.flushIsScheduled, let task = self.flushTask else {
            return
        }
        self.flushIsScheduled = true
        self.eventLoop.assumeIsolated().execute(task)
    }

    /// The end of the tick: everything in one write, unless the socket is behind; then `becameWritable` writes it.
    func flush() {
        self.flushIsScheduled = false
        guard let channel = self.activeChannel, self.batch.byteCount > 0, channel.isWritable else {
            return
        }
        self.counters.recordPending(self.machine.pendingCount)
        channel.writeAndFlush(self.batch.take())
    }

    func becameWritable() {
        self.flush()
    }
}

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
