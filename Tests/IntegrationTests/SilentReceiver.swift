import RESP

@testable import RedisClient

/// Does not want to know.
final class SilentReceiver: RedisReplyReceiver {
    func redisReplied(_ result: Result<RESPValue, RedisFailure>, token: UInt64) {}
}
