import NIOCore
import RESP
import RedisClient

/// An operation that waits for Redis, with what is needed to answer it without Redis.
struct InFlightOperation {
    enum Kind {
        case get
        case set(value: ByteBuffer, ttlSeconds: Int64?)
        case delete
    }

    /// Which of an operation's commands a reply answers.
    enum Command: UInt64 {
        /// Of a read.
        case value, timeToLive
        /// The only one of a write.
        case write
    }

    /// What a reply leads to.
    enum Step {
        case answer(CacheAnswer)
        /// Redis did not answer, or not as it should: memory does.
        case fallBack(RedisFailure)
    }

    let kind: Kind
    let key: ByteBuffer
    let token: UInt64
    let receiver: any CacheAnswerReceiver
    private var outcome: Result<RESPValue, RedisFailure>?
    private var timeToLive: Result<RESPValue, RedisFailure>?

    init(kind: Kind, key: ByteBuffer, token: UInt64, receiver: any CacheAnswerReceiver) {
        self.kind = kind
        self.key = key
        self.token = token
        self.receiver = receiver
    }

    /// Whether Redis may have changed something, though it did not say so.
    var isWrite: Bool {
        switch self.kind {
        case .get: false
        case .set, .delete: true
        }
    }

    /// How many replies the operation gets.
    var replyCount: Int {
        switch self.kind {
        case .get: 2
        case .set, .delete: 1
        }
    }

    /// Takes the reply to one of the operation's commands. Returns what follows, or nil where another reply must come first.
    mutating func take(_ result: Result<RESPValue, RedisFailure>, of command: Command) -> Step? {
        switch self.kind {
        case .get:
            switch command {
            case .value, .write: self.outcome = result
            case .timeToLive: self.timeToLive = result
            }
            // A failed read needs no time to live.
            guard let outcome = self.outcome else { return nil }
            if case .failure(let failure) = outcome { return Self.lookup(outcome, remaining: .failure(failure)) }
            guard let timeToLive = self.timeToLive else { return nil }
            return Self.lookup(outcome, remaining: timeToLive)
        case .set:
            return Self.judge(result) { value in
                // A SET without a condition is answered with OK; with anything else, a null included, nobody knows what became of it.
                guard case .simpleOK = value else { return .fallBack(.unexpectedReply) }
                return .answer(.stored(.redis))
            }
        case .delete:
            return Self.judge(result) { value in
                guard case .integer(let count) = value else { return .fallBack(.unexpectedReply) }
                return .answer(count > 0 ? .deleted(.redis) : .miss(.redis))
            }
        }
    }

    /// PTTL answers -1 for a key without expiry and -2 for none; a failure of it is not a failure of the read.
    private static func lookup(_ outcome: Result<RESPValue, RedisFailure>, remaining: Result<RESPValue, RedisFailure>) -> Step {
        self.judge(outcome) { value in
            switch value {
            case .bulkString(let bytes):
                guard case .success(.integer(let milliseconds)) = remaining, milliseconds >= 0 else {
                    return .answer(.hit(.buffer(bytes), remainingMilliseconds: nil, .redis))
                }
                return .answer(.hit(.buffer(bytes), remainingMilliseconds: milliseconds, .redis))
            case .null: return .answer(.miss(.redis))
            case .oversized: return .answer(.refused(.notReadable, .redis))
            default: return .fallBack(.unexpectedReply)
            }
        }
    }

    private static func judge(_ result: Result<RESPValue, RedisFailure>, _ answer: (RESPValue) -> Step) -> Step {
        switch result {
        case .success(let value): return answer(value)
        case .failure(let failure):
            switch failure.serverErrorPrefix {
            case "OOM": return .answer(.refused(.outOfMemory, .redis))
            case "WRONGTYPE": return .answer(.refused(.notReadable, .redis))
            default:
                if failure.isAboutTheKey { return .answer(.refused(.notPermitted, .redis)) }
                return failure.isAboutTheValue ? .answer(.refused(.valueTooLargeForRedis, .redis)) : .fallBack(failure)
            }
        }
    }
}
