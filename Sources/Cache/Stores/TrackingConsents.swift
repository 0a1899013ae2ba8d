import RESP
import RedisClient

/// Takes the replies to `CLIENT CACHING YES`, each of which comes before that of the read it is about.
final class TrackingConsents: RedisReplyReceiver {
    private unowned let store: RedisStore

    init(_ store: RedisStore) {
        self.store = store
    }

    func redisReplied(_ result: Result<RESPValue, RedisFailure>, token: UInt64) {
        switch result {
        case .success(.simpleOK): break
        case .success: self.store.trackingRefused(token, nil)
        case .failure(let failure): self.store.trackingRefused(token, failure)
        }
    }
}
