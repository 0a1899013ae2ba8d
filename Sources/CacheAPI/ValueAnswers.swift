package import Cache
import NIOCore

/// The answers of `/values/`.
extension Answer {
    /// The answer to a read.
    /// - Parameter conditions: what the request expects of the value.
    package static func value(_ outcome: CacheAnswer, conditions: RequestConditions) -> Answer {
        guard case .hit(let value, let remaining, let source) = outcome else { return .lookup(ByteBuffer(), outcome) }
        guard let representation = Representation(value) else { return .refusal(.notReadable, source) }
        var answer = Answer(.ok, .bytes(value)).with(.hit(remainingMilliseconds: remaining), source)
        answer.bear(EntityTag(value), conditions, source)
        if answer.status == .ok { answer.representation = representation }
        return answer
    }

    /// The answer to a `PUT`.
    /// - Parameter replaces: whether there was a value.
    package static func put(_ tag: EntityTag, _ outcome: CacheAnswer, replaces: Bool) -> Answer {
        switch outcome {
        case .stored(let source):
            var answer = Answer(replaces ? .noContent : .created, .prepared(ByteBuffer())).with(.stored, source)
            answer.entityTag = tag
            return answer
        case .conflict(let source): return .preconditionFailed(source)
        case .refused(let refusal, let source): return .refusal(refusal, source)
        case .hit, .miss, .deleted, .unavailable: return .unavailable(outcome.source)
        }
    }

    /// The answer to a `PUT` with a lease.
    package static func put(_ tag: EntityTag, _ use: LeaseUse) -> Answer {
        switch use {
        case .done(let outcome): .put(tag, outcome, replaces: false)
        case .lost(let source): .lost(source)
        }
    }

    /// The answer to a `DELETE` with a lease.
    package static func removal(_ use: LeaseUse) -> Answer {
        switch use {
        case .done(.stored(let source)), .done(.deleted(let source)): .removal(.deleted(source))
        case .done(let outcome): .removal(outcome)
        case .lost(let source): .lost(source)
        }
    }

    /// The answer to a `DELETE`.
    package static func removal(_ outcome: CacheAnswer) -> Answer {
        switch outcome {
        case .deleted(let source): Answer(.noContent, .prepared(ByteBuffer())).with(.deleted, source)
        case .conflict(let source): .preconditionFailed(source)
        case .hit, .miss, .stored, .refused, .unavailable: .lookup(ByteBuffer(), outcome)
        }
    }
}
