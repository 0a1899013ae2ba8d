package import NIOCore
package import RESP

/// The hot path. Each call either appends to the batch or refuses, by calling the receiver before it returns.
extension RedisConnection {
    /// `GET key`: a bulk string or null.
    package func get(_ key: Span<UInt8>, token: UInt64, receiver: any RedisReplyReceiver) {
        guard self.admit(key.count + RESPEncoder.maximumOverhead, token, receiver) else {
            return
        }
        RESPEncoder.writeGet(key: key, into: &self.batch.buffer)
    }

    /// `GET key`: a bulk string or null.
    package func get(_ key: ByteBuffer, token: UInt64, receiver: any RedisReplyReceiver) {
        self.get(key.readableBytesUInt8Span, token: token, receiver: receiver)
    }

    /// `PTTL key`: milliseconds, -1 without a time to live, -2 without the key.
    package func pttl(_ key: Span<UInt8>, token: UInt64, receiver: any RedisReplyReceiver) {
        guard self.admit(key.count + RESPEncoder.maximumOverhead, token, receiver) else {
            return
        }
        RESPEncoder.writePTTL(key: key, into: &self.batch.buffer)
    }

    /// `PTTL key`: milliseconds, -1 without a time to live, -2 without the key.
    package func pttl(_ key: ByteBuffer, token: UInt64, receiver: any RedisReplyReceiver) {
        self.pttl(key.readableBytesUInt8Span, token: token, receiver: receiver)
    }

    /// `SET key value`, or `SET key value PX ttlMilliseconds`: `.simpleOK`. Redis refuses a time to live of zero or less.
    package func set(_ key: Span<UInt8>, _ value: Span<UInt8>, ttlMilliseconds: Int64?, token: UInt64, receiver: any RedisReplyReceiver) {
        guard self.admit(key.count + value.count + RESPEncoder.maximumOverhead, token, receiver) else {
            return
        }
        if let ttlMilliseconds {
            RESPEncoder.writeSet(key: key, value: value, ttlMilliseconds: ttlMilliseconds, into: &self.batch.buffer)
        } else {
            RESPEncoder.writeSet(key: key, value: value, into: &self.batch.buffer)
        }
    }

    /// `SET key value`, or `SET key value PX ttlMilliseconds`: `.simpleOK`. Redis refuses a time to live of zero or less.
    package func set(_ key: ByteBuffer, _ value: ByteBuffer, ttlMilliseconds: Int64?, token: UInt64, receiver: any RedisReplyReceiver) {
        self.set(key.readableBytesUInt8Span, value.readableBytesUInt8Span, ttlMilliseconds: ttlMilliseconds, token: token, receiver: receiver)
    }

    /// `UNLINK key`: the integer 1 when the key was there, else 0.
    package func unlink(_ key: Span<UInt8>, token: UInt64, receiver: any RedisReplyReceiver) {
        guard self.admit(key.count + RESPEncoder.maximumOverhead, token, receiver) else {
            return
        }
        RESPEncoder.writeUnlink(key: key, into: &self.batch.buffer)
    }

    /// `UNLINK key`: the integer 1 when the key was there, else 0.
    package func unlink(_ key: ByteBuffer, token: UInt64, receiver: any RedisReplyReceiver) {
        self.unlink(key.readableBytesUInt8Span, token: token, receiver: receiver)
    }

    /// Any command that has exactly one reply and leaves the connection as it was: not SUBSCRIBE, MONITOR, CLIENT REPLY or a blocking command.
    package func send(_ command: [RESPArgument], token: UInt64, receiver: any RedisReplyReceiver) {
        guard self.admit(RESPEncoder.maximumByteCount(of: command), token, receiver) else {
            return
        }
        RESPEncoder.write(command: command, into: &self.batch.buffer)
    }

    /// Asks the machine; on yes, the caller must append the command to the batch.
    private func admit(_ byteCount: Int, _ token: UInt64, _ receiver: any RedisReplyReceiver) -> Bool {
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
            return true
        case .reject(let failure):
            self.counters.recordRejected()
            receiver.redisReplied(.failure(failure), token: token)
            return false
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
