import Cache
import NIOCore

/// The answers of the contract to operations on one key.
extension Answer {
    static let keyNotFound: StaticString = "Key not found"

    /// The answer to a get or a delete of `key`.
    static func lookup(_ key: ByteBuffer, _ outcome: CacheAnswer) -> Answer {
        switch outcome {
        case .hit(let value, let remaining, let source):
            guard let json = JSONText.readable(value, from: source) else { return .refusal(.notReadable, source) }
            return Answer(.ok, .value(key: key, json)).with(.hit(remainingMilliseconds: remaining), source)
        case .deleted(let source):
            return Answer(.ok, .deleted(key: key)).with(.deleted, source)
        case .miss(let source), .stored(let source):
            return Answer(.notFound, .detail(self.keyNotFound)).with(.miss, source)
        case .refused(let refusal, let source):
            return .refusal(refusal, source)
        }
    }

    /// The answer to a set of `key`.
    static func store(_ key: ByteBuffer, ttlSeconds: Int64?, _ outcome: CacheAnswer) -> Answer {
        if case .refused(let refusal, let source) = outcome { return .refusal(refusal, source) }
        return Answer(.ok, .stored(key: key, ttlSeconds: ttlSeconds)).with(.stored, outcome.source)
    }

    private static func refusal(_ refusal: CacheRefusal, _ source: CacheSource) -> Answer {
        let answer =
            switch refusal {
            case .outOfMemory: Answer(.insufficientStorage, .detail("The cache is out of memory"))
            case .valueTooLargeForStore: Answer(.insufficientStorage, .detail("The value is larger than the embedded store may hold"))
            case .valueTooLargeForRedis: Answer(.insufficientStorage, .detail("The value is larger than Redis may hold"))
            case .notPermitted: Answer(.forbidden, .detail("The cache may not use this key"))
            case .notReadable: Answer(.unsupportedMediaType, .detail("The key does not hold a text value"))
            }
        return answer.with(.refused, source)
    }

    private func with(_ outcome: CacheStatus.Outcome, _ source: CacheSource) -> Answer {
        var answer = self
        answer.cacheStatus = CacheStatus(outcome: outcome, source: source)
        answer.source = source
        return answer
    }
}
