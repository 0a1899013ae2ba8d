import Bytes
package import Cache
import JSON
package import NIOCore

/// What an answer says of the lease of a key, in the field `Cache-Lease`. In a box: other answers do not grow by it.
package indirect enum LeaseField: Sendable {
    /// Who asked has the lease.
    case token(LeaseToken)
    /// Somebody else has it.
    case held

    func write(into cursor: inout ByteCursor) {
        switch self {
        case .token(let token): token.write(into: &cursor)
        case .held: cursor.append("held")
        }
    }
}

extension LeaseToken {
    private static let digitCount = 32

    /// Reads 32 hexadecimal digits.
    package init?(_ text: String) {
        guard text.utf8.count == Self.digitCount, let bytes = Hexadecimal.bytes(text) else { return nil }
        self.init(bits: bytes.reduce(0) { $0 << 8 | UInt128($1) })
    }

    /// Appends 32 hexadecimal digits.
    func write(into cursor: inout ByteCursor) {
        cursor.appendHexadecimal(UInt64(truncatingIfNeeded: self.bits >> 64))
        cursor.appendHexadecimal(UInt64(truncatingIfNeeded: self.bits))
    }
}

/// The answers to requests with leases.
extension Answer {
    /// The answer to a read with `?lease=`; nil if too many wait.
    /// - Parameter conditions: what the request expects of a value without a lease. With one the client computes the next.
    package static func lookup(
        _ key: ByteBuffer, lease outcome: LeaseAnswer, conditions: RequestConditions = RequestConditions()
    ) -> Answer? {
        switch outcome {
        case .read(let answer):
            return .lookup(key, answer, conditions: conditions)
        case .granted(let answer, let token):
            return self.leased(.lookup(key, answer), .token(token))
        case .held(let answer):
            var held = self.leased(.lookup(key, answer), .held)
            if held.status == .notFound { held.retryAfterSeconds = 1 }
            return held
        case .lost(let source):
            return self.lost(source)
        case .failed(let answer):
            return .lookup(key, answer)
        case .tooManyWaiting:
            return nil
        }
    }

    private static func leased(_ answer: Answer, _ field: LeaseField) -> Answer {
        var answer = answer
        answer.lease = field
        return answer
    }

    /// The answer to a set with `Cache-Lease`.
    package static func store(_ key: ByteBuffer, ttlSeconds: Int64?, _ use: LeaseUse) -> Answer {
        switch use {
        case .done(let answer): .store(key, ttlSeconds: ttlSeconds, answer)
        case .lost(let source): .lost(source)
        }
    }

    /// The answer to a delete with `Cache-Lease`.
    package static func givenUp(_ key: ByteBuffer, _ use: LeaseUse) -> Answer {
        switch use {
        case .lost(let source):
            return .lost(source)
        case .done(.stored(let source)), .done(.deleted(let source)):
            var body = ByteBuffer()
            body.writeStaticString("{\"success\":true,\"key\":")
            JSONWriter.writeString(key, into: &body)
            body.writeStaticString(",\"message\":\"Lease given up\"}")
            return Answer(.ok, .prepared(body)).with(.deleted, source)
        case .done(let answer):
            return .lookup(key, answer)
        }
    }

    static func lost(_ source: CacheSource) -> Answer {
        Answer(.conflict, .detail("The lease no longer stands")).with(.refused, source)
    }
}

/// The answers to invalidations of tags.
extension Answer {
    package static func invalidated(tag: ByteBuffer, _ outcome: TagInvalidation) -> Answer {
        var body = ByteBuffer()
        body.writeStaticString("{\"success\":true,\"tag\":")
        JSONWriter.writeString(tag, into: &body)
        switch outcome {
        case .invalidated(let source):
            body.writeStaticString(",\"message\":\"Invalidated tag\"}")
            return Answer(.ok, .prepared(body)).with(.deleted, source)
        case .queued:
            body.writeStaticString(",\"complete\":false,\"message\":\"Invalidation queued: Redis is unavailable, and other instances hear of it ")
            body.writeStaticString("when it is back\"}")
            return Answer(.ok, .prepared(body)).with(.deleted, .outage)
        case .refused(let answer):
            return .store(tag, ttlSeconds: nil, answer)
        }
    }
}
