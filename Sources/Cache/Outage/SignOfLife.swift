import NIOCore
import RESP
import RedisClient

/// Waits for the answer to a PING. An error as an answer is a sign of life too.
final class SignOfLife: RedisReplyReceiver {
    private let promise: EventLoopPromise<Void>

    init(_ promise: EventLoopPromise<Void>) {
        self.promise = promise
    }

    func redisReplied(_ result: Result<RESPValue, RedisFailure>, token: UInt64) {
        switch result {
        case .failure(let failure) where failure.code != .serverError: self.promise.fail(failure)
        case .success, .failure: self.promise.succeed()
        }
    }
}
