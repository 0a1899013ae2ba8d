import MemoryStore
import NIOCore
import RESP
import RedisClient

/// An operation that waits for Redis, with what is needed to answer it without Redis.
struct InFlightOperation {
    enum Kind {
        case get
        case set(value: ByteBuffer, ttlSeconds: Int64?)
        case delete
        /// In a box, so that no other operation grows by what only this one has.
        indirect case change(CacheChange, ChangeWhileAway)
    }

    /// What a reply leads to.
    enum Step {
        case answer(CacheAnswer)
        /// Redis did not answer, or not as it should: memory does.
        case fallBack(RedisFailure)
        /// A node of a cluster says that another one is to be asked. Of a read, the value may have come all the same; see `partialAnswer`.
        case redirected(RedisRedirect, RedisFailure)
        /// The user of the service may not run the command, or the server does not have it, while the rest of the service goes on.
        case commandRefused(String, RedisFailure)
    }

    /// Whoever gets the answer of a read that somebody else began.
    struct Waiter {
        let token: UInt64
        let receiver: any CacheAnswerReceiver
    }

    /// What the near cache has to know of an operation.
    struct Copy {
        let hash: MemoryKeyHash
        let ticket: CoherenceFence.Ticket
        /// When the operation was sent.
        let sent: MonotonicTime
        /// Whether what a read brings may be kept.
        var isToBeKept: Bool
    }

    let kind: Kind
    let key: ByteBuffer
    /// The hash slot of the key.
    let slot: UInt16
    /// When the client asked, in nanoseconds of the monotonic clock.
    let began: Int
    /// How often the operation has been sent again.
    private(set) var hops = 0
    let token: UInt64
    let receiver: any CacheAnswerReceiver
    /// Of a read: whether what was last known may be the answer if Redis does not answer.
    let acceptsCopy: Bool
    /// nil without a near cache.
    var copy: Copy?
    /// Those who share the answer of a read.
    var waiters: [Waiter] = []
    /// Of a read that may be kept: what it has brought, with its time to live.
    private(set) var keepable: KeepableRead?
    /// The reply to GET, while the one to PTTL is owed.
    private var value: RESPValue?
    private var awaitsTimeToLive: Bool
    /// Of a read: whether Redis is asked for the time to live, because a reader or a copy has a use for it. The same each time that it is sent.
    private(set) var asksTimeToLive: Bool

    init(
        kind: Kind, key: ByteBuffer, slot: UInt16, began: Int, token: UInt64, receiver: any CacheAnswerReceiver, acceptsCopy: Bool = true,
        asksTimeToLive: Bool = true, copy: Copy? = nil
    ) {
        self.kind = kind
        self.key = key
        self.slot = slot
        self.began = began
        self.token = token
        self.receiver = receiver
        self.acceptsCopy = acceptsCopy
        self.asksTimeToLive = asksTimeToLive
        self.awaitsTimeToLive = asksTimeToLive
        self.copy = copy
    }

    /// Whether Redis may have changed something, though it did not say so.
    var isWrite: Bool {
        switch self.kind {
        case .get: false
        case .set, .delete, .change: true
        }
    }

    /// Whether the journal takes the operation if Redis does not answer it. What becomes of a change then nobody knows, and nobody says that it was made.
    var isRecorded: Bool {
        switch self.kind {
        case .get, .change: false
        case .set, .delete: true
        }
    }

    /// How many replies the operation gets: a read asks for the value, then for its time to live unless nobody has a use for it.
    var replyCount: Int {
        switch self.kind {
        case .get: self.asksTimeToLive ? 2 : 1
        case .set, .delete, .change: 1
        }
    }

    /// What the read brings may make a copy, which needs the time to live. Before it is sent.
    mutating func readsForCopy(_ copy: Copy) {
        self.copy = copy
        guard copy.isToBeKept else { return }
        self.asksTimeToLive = true
        self.awaitsTimeToLive = true
    }

    /// The question for the time to live was refused.
    mutating func timeToLiveRefused() {
        self.awaitsTimeToLive = false
    }

    /// Makes the operation ready to be sent again, as a whole: a value and a time to live belong together.
    mutating func restart() {
        self.hops += 1
        self.value = nil
        self.awaitsTimeToLive = self.asksTimeToLive
    }

    /// Of a read that has brought the value but not its time to live: the answer without.
    var partialAnswer: CacheAnswer? {
        guard let value, case .answer(let answer) = Self.lookup(value, timeToLive: .failure(.cancelled)) else { return nil }
        return answer
    }

    /// Answers whoever waits for it.
    func deliver(_ answer: CacheAnswer) {
        self.receiver.cacheAnswered(answer, token: self.token)
        for waiter in self.waiters { waiter.receiver.cacheAnswered(answer, token: waiter.token) }
    }

    /// Takes the next reply. Returns what follows, or nil if another reply must come first.
    mutating func take(_ result: Result<RESPValue, RedisFailure>) -> Step? {
        switch self.kind {
        case .get:
            return self.takeOfRead(result)
        case .set:
            return Self.judge(result) { value in
                // A SET without a condition is answered with OK; any other reply, null included, leaves open what became of it.
                guard case .simpleOK = value else { return .fallBack(.unexpectedReply) }
                return .answer(.stored(.redis))
            }
        case .delete:
            return Self.judge(result) { value in
                guard case .integer(let count) = value else { return .fallBack(.unexpectedReply) }
                return .answer(count > 0 ? .deleted(.redis) : .miss(.redis))
            }
        case .change(let change, _):
            if case .failure(let failure) = result, let command = change.optionalCommand, change.isRefused(with: failure) {
                return .commandRefused(command, failure)
            }
            return Self.judge(result) { change.answer($0).map { .answer($0) } ?? .fallBack(.unexpectedReply) }
        }
    }

    private mutating func takeOfRead(_ result: Result<RESPValue, RedisFailure>) -> Step? {
        if let value = self.value {
            if case .failure(let failure) = result, let redirect = failure.redirect { return .redirected(redirect, failure) }
            if self.copy?.isToBeKept == true { self.keepable = Self.keepable(value, timeToLive: result) }
            return Self.lookup(value, timeToLive: result)
        }
        switch result {
        case .failure(let failure):
            // A failed read needs no time to live.
            return Self.judge(failure)
        case .success(let value):
            guard self.awaitsTimeToLive else { return Self.lookup(value, timeToLive: .failure(.queueFull)) }
            self.value = value
            return nil
        }
    }

    /// What may be kept: a value whose time to live is known, or an absence.
    private static func keepable(_ value: RESPValue, timeToLive: Result<RESPValue, RedisFailure>) -> KeepableRead? {
        guard case .success(.integer(let milliseconds)) = timeToLive else { return nil }
        switch value {
        case .bulkString(let bytes) where milliseconds >= -1:
            return .value(bytes, remainingMilliseconds: milliseconds == -1 ? nil : milliseconds)
        case .null where milliseconds == -2:
            return .absence
        default:
            return nil
        }
    }

    /// PTTL answers -1 for a key without expiry and -2 for none; a failure of it is not a failure of the read.
    private static func lookup(_ value: RESPValue, timeToLive: Result<RESPValue, RedisFailure>) -> Step {
        switch value {
        case .bulkString(let bytes):
            guard case .success(.integer(let milliseconds)) = timeToLive, milliseconds >= 0 else {
                return .answer(.hit(.buffer(bytes), remainingMilliseconds: nil, .redis))
            }
            return .answer(.hit(.buffer(bytes), remainingMilliseconds: milliseconds, .redis))
        case .null: return .answer(.miss(.redis))
        case .oversized: return .answer(.refused(.notReadable, .redis))
        default: return .fallBack(.unexpectedReply)
        }
    }

    private static func judge(_ result: Result<RESPValue, RedisFailure>, _ answer: (RESPValue) -> Step) -> Step {
        switch result {
        case .success(let value): answer(value)
        case .failure(let failure): self.judge(failure)
        }
    }

    /// What Redis says of one key or one value is an answer; every other failure is not.
    private static func judge(_ failure: RedisFailure) -> Step {
        if let redirect = failure.redirect { return .redirected(redirect, failure) }
        switch failure.serverErrorPrefix {
        case "OOM": return .answer(.refused(.outOfMemory, .redis))
        case "WRONGTYPE": return .answer(.refused(.notReadable, .redis))
        default:
            if failure.isAboutTheKey { return .answer(.refused(.notPermitted, .redis)) }
            return failure.isAboutTheValue ? .answer(.refused(.valueTooLargeForRedis, .redis)) : .fallBack(failure)
        }
    }
}
