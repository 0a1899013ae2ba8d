package import NIOCore
package import RESP

/// Commands for a node that has a key only if it is told that another node has sent us: each right after an `ASKING`, which holds for one command.
///
/// Both are appended, or neither: an `ASKING` without its command would hold for the next one, which the node then answered as if the key of that were
/// here. The reply to `ASKING` is nobody's; what became of it shows in the reply to the command.
extension RedisConnection {
    /// `ASKING`, `GET key`: see `get`.
    package func askingGet(_ key: ByteBuffer, token: UInt64, receiver: any RedisReplyReceiver) -> RedisFailure? {
        self.asking(key.readableBytes, token, receiver) { RESPEncoder.writeGet(key: key.readableBytesUInt8Span, into: &$0) }
    }

    /// `ASKING`, `PTTL key`: see `pttl`.
    package func askingPTTL(_ key: ByteBuffer, token: UInt64, receiver: any RedisReplyReceiver) -> RedisFailure? {
        self.asking(key.readableBytes, token, receiver) { RESPEncoder.writePTTL(key: key.readableBytesUInt8Span, into: &$0) }
    }

    /// `ASKING`, `SET key value`, with or without a time to live: see `set`.
    package func askingSet(
        _ key: ByteBuffer, _ value: ByteBuffer, ttlMilliseconds: Int64?, token: UInt64, receiver: any RedisReplyReceiver
    ) -> RedisFailure? {
        self.asking(key.readableBytes + value.readableBytes, token, receiver) { buffer in
            let (key, value) = (key.readableBytesUInt8Span, value.readableBytesUInt8Span)
            if let ttlMilliseconds {
                RESPEncoder.writeSet(key: key, value: value, ttlMilliseconds: ttlMilliseconds, into: &buffer)
            } else {
                RESPEncoder.writeSet(key: key, value: value, into: &buffer)
            }
        }
    }

    /// `ASKING`, `UNLINK key`: see `unlink`.
    package func askingUnlink(_ key: ByteBuffer, token: UInt64, receiver: any RedisReplyReceiver) -> RedisFailure? {
        self.asking(key.readableBytes, token, receiver) { RESPEncoder.writeUnlink(key: key.readableBytesUInt8Span, into: &$0) }
    }

    /// `ASKING`, then any command: see `send`.
    package func askingSend(_ command: [RESPArgument], token: UInt64, receiver: any RedisReplyReceiver) -> RedisFailure? {
        self.asking(RESPEncoder.maximumByteCount(of: command), token, receiver) { RESPEncoder.write(command: command, into: &$0) }
    }

    private func asking(
        _ byteCount: Int, _ token: UInt64, _ receiver: any RedisReplyReceiver, _ write: (inout ByteBuffer) -> Void
    ) -> RedisFailure? {
        self.eventLoop.assertInEventLoop()
        let byteCount = byteCount + RESPEncoder.maximumOverhead
        guard self.machine.hasRoom(forCommands: 2, byteCount: 2 * byteCount, batchByteCount: self.batch.byteCount) else {
            self.counters.recordRejected()
            return self.machine.isReady ? .queueFull : .notConnected
        }
        // With room for both, neither is refused.
        if let refusal = self.admit(byteCount, token, UnheardReceiver.shared) { return refusal }
        self.batch.buffer.writeStaticString("*1\r\n$6\r\nASKING\r\n")
        if let refusal = self.admit(byteCount, token, receiver) { return refusal }
        write(&self.batch.buffer)
        return nil
    }
}

/// Takes replies that matter to nobody.
private final class UnheardReceiver: RedisReplyReceiver, Sendable {
    static let shared = UnheardReceiver()

    func redisReplied(_ result: Result<RESPValue, RedisFailure>, token: UInt64) {}
}
