import RESP

/// A suspended task as the receiver of one reply.
final class RedisContinuation: RedisReplyReceiver {
    private let continuation: CheckedContinuation<Result<RESPValue, RedisFailure>, Never>

    init(_ continuation: CheckedContinuation<Result<RESPValue, RedisFailure>, Never>) {
        self.continuation = continuation
    }

    func redisReplied(_ result: Result<RESPValue, RedisFailure>, token: UInt64) {
        self.continuation.resume(returning: result)
    }
}
