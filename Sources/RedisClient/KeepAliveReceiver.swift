import RESP

/// Takes the reply to the PING of an idle connection: that something came is all that matters, and the state machine has seen it.
final class KeepAliveReceiver: RedisReplyReceiver, Sendable {
    static let shared = KeepAliveReceiver()

    func redisReplied(_ result: Result<RESPValue, RedisFailure>, token: UInt64) {}
}
