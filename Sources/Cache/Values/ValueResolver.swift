package import Logging
import NIOCore

/// Makes of what is stored at a key what a reader gets: opens envelopes, takes placeholders for absences, says how fresh a value is, and compares the
/// versions of its tags with those of now. Confined to an event loop; every reader of a store passes the answers through it.
///
/// A plain value costs one comparison. The versions of tags are read from the same store, which mostly has copies of them: then the answer comes at once.
package final class ValueResolver {
    /// A value whose tags are being looked at, in a slot that is used again.
    private struct Check {
        var value: EnvelopedValue
        var remainingMilliseconds: Int64?
        var source: CacheSource
        var versionsOwed = 0
        var isCurrent = true
        let token: UInt64
        let receiver: any CacheAnswerReceiver

        /// A version that is not there counts as another one: too much is invalidated, never too little.
        mutating func compare(_ answer: CacheAnswer, with version: TagVersion) {
            if answer.tagVersion != version { self.isCurrent = false }
            if answer.source.isDegraded { self.source = answer.source }
        }
    }

    package let store: any CacheStore
    package let counters = ValueCounters()
    private var checks: [Check?] = []
    private var free: [Int] = []
    private var log: UnreadableValueLog?

    /// - Parameters:
    ///   - store: of this event loop.
    ///   - logger: gets a line now and then if values cannot be read; nil for none.
    package init(_ store: any CacheStore, logger: Logger? = nil) {
        self.store = store
        self.log = logger.map { UnreadableValueLog($0) }
    }

    /// What a reader gets. What is resolved already stays as it is.
    /// - Parameters:
    ///   - acceptsCopy: whether versions of tags may come from copies of earlier reads.
    ///   - now: nanoseconds of the monotonic clock.
    /// - Returns: the answer, or nil if `receiver` gets it later.
    @inline(__always)
    package func resolve(
        _ answer: consuming CacheAnswer, acceptsCopy: Bool, now: Int, token: UInt64, receiver: any CacheAnswerReceiver
    ) -> CacheAnswer? {
        guard answer.isToBeResolved else { return answer }
        return self.open(answer, acceptsCopy: acceptsCopy, now: now, token: token, receiver: receiver)
    }

    @inline(never)
    private func open(
        _ answer: CacheAnswer, acceptsCopy: Bool, now: Int, token: UInt64, receiver: any CacheAnswerReceiver
    ) -> CacheAnswer? {
        guard case .hit(let stored, let remaining, let source) = answer else { return answer }
        switch StoredValue(stored) {
        case .plain:
            return .hit(stored, remainingMilliseconds: remaining, source)
        case .unreadable(let fault):
            self.counters.record(.unreadable)
            self.log?.note(fault, now: now)
            return .miss(source)
        case .enveloped(let value):
            guard value.envelope.form == .value else { return .miss(source) }
            let left = remaining.map { $0 - (value.envelope.lease?.valueEndMilliseconds ?? 0) }
            if let left, left <= 0 { return .miss(source) }
            let fresh = left.map { $0 - value.envelope.staleSeconds * 1000 }
            let check = Check(value: value, remainingMilliseconds: fresh, source: source, token: token, receiver: receiver)
            return value.envelope.tags.isEmpty ? self.answer(check) : self.compareTags(check, acceptsCopy: acceptsCopy, now: now)
        }
    }

    // MARK: Tags

    private func compareTags(_ begun: Check, acceptsCopy: Bool, now: Int) -> CacheAnswer? {
        var check = begun
        let slot = self.takeSlot()
        for (index, tag) in check.value.envelope.tags.enumerated() {
            let token = UInt64(slot) << 8 | UInt64(index)
            let answer = self.store.get(
                tag.versionKey, acceptsCopy: acceptsCopy, wantsTimeToLive: false, now: now, token: token, receiver: self)
            if let answer {
                check.compare(answer, with: tag.version)
                // Nothing more needs to be known.
                if !check.isCurrent, check.versionsOwed == 0 { break }
            } else {
                check.versionsOwed += 1
            }
        }
        guard check.versionsOwed > 0 else {
            self.free.append(slot)
            return self.answer(check)
        }
        self.checks[slot] = check
        return nil
    }

    private func takeSlot() -> Int {
        if let slot = self.free.popLast() { return slot }
        self.checks.append(nil)
        return self.checks.count - 1
    }

    private func answer(_ check: Check) -> CacheAnswer {
        guard check.isCurrent else {
            self.counters.record(.outdated)
            return .miss(check.source)
        }
        if let remaining = check.remainingMilliseconds, remaining < 0 { self.counters.record(.stale) }
        return .hit(.envelope(check.value), remainingMilliseconds: check.remainingMilliseconds, check.source)
    }
}

extension ValueResolver: CacheAnswerReceiver {
    /// The version of a tag.
    package func cacheAnswered(_ answer: CacheAnswer, token: UInt64) {
        let (slot, index) = (Int(token >> 8), Int(token & 0xFF))
        guard var check = self.checks[slot] else { return }
        check.compare(answer, with: check.value.envelope.tags[index].version)
        check.versionsOwed -= 1
        guard check.versionsOwed == 0 else { return self.checks[slot] = check }
        self.checks[slot] = nil
        self.free.append(slot)
        check.receiver.cacheAnswered(self.answer(check), token: check.token)
    }
}

@available(*, unavailable)
extension ValueResolver: Sendable {}

extension CacheAnswer {
    /// Of a read of the key of a tag: its version; nil if there is none.
    package var tagVersion: TagVersion? {
        guard case .hit(let stored, _, _) = self, case .enveloped(let value) = StoredValue(stored) else { return nil }
        return value.tagVersion
    }
}

/// What a read has brought.
struct ResolvedAnswer: Sendable {
    /// What is stored at the key.
    let stored: CacheAnswer
    /// What a reader gets.
    let answer: CacheAnswer
}

extension ValueResolver {
    /// Reads a key for those who want its lease.
    ///
    /// Without Redis a lease is what memory holds, while the value beside it may be what was last known. So each is read by itself: `stored` is what
    /// memory holds, and `answer` what a reader gets.
    /// - Parameters:
    ///   - acceptsCopy: whether the answer may come from a copy that Redis keeps true.
    ///   - acceptsLastKnown: whether the value may be what was last known if Redis is away.
    ///   - completion: called once, perhaps before this returns.
    func readForLease(
        _ key: ByteBuffer, acceptsCopy: Bool, acceptsLastKnown: Bool, _ completion: @escaping (ResolvedAnswer) -> Void
    ) {
        ResolvedRead(self, acceptsCopy: acceptsCopy) { read in
            guard acceptsLastKnown, read.answer.source.isDegraded else { return completion(read) }
            ResolvedRead(self, acceptsCopy: !acceptsCopy) { other in
                let (held, known) = acceptsCopy ? (other, read) : (read, other)
                completion(ResolvedAnswer(stored: held.stored, answer: known.answer))
            }.begin(key)
        }.begin(key)
    }
}

/// Reads a key for a caller who wants to know both what is stored and what a reader gets. Confined to an event loop.
final class ResolvedRead: CacheAnswerReceiver {
    private let resolver: ValueResolver
    private let acceptsCopy: Bool
    private let completion: (ResolvedAnswer) -> Void
    private var stored: CacheAnswer?

    /// - Parameter completion: called once, perhaps before `begin` returns.
    init(_ resolver: ValueResolver, acceptsCopy: Bool, _ completion: @escaping (ResolvedAnswer) -> Void) {
        self.resolver = resolver
        self.acceptsCopy = acceptsCopy
        self.completion = completion
    }

    func begin(_ key: ByteBuffer) {
        let now = Int(NIODeadline.now().uptimeNanoseconds)
        if let answer = self.resolver.store.get(key, acceptsCopy: self.acceptsCopy, now: now, token: 0, receiver: self) {
            self.cacheAnswered(answer, token: 0)
        }
    }

    func cacheAnswered(_ answer: CacheAnswer, token: UInt64) {
        let stored = self.stored ?? answer
        self.stored = stored
        let now = Int(NIODeadline.now().uptimeNanoseconds)
        if let answer = self.resolver.resolve(answer, acceptsCopy: self.acceptsCopy, now: now, token: 0, receiver: self) {
            self.completion(ResolvedAnswer(stored: stored, answer: answer))
        }
    }
}
