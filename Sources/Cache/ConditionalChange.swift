import NIOCore

/// A change that depends on what a reader would get at a key: it reads, decides, and changes what it has read if that is still there. Confined to an event
/// loop, and used once.
///
/// The first reading may be of a copy: a change of what is no longer there is found out, and what a copy speaks against is asked of Redis itself.
final class ConditionalChange {
    /// What follows from what there is.
    enum Decision {
        /// - Parameter tags: of a value that lives longer after the change, so that their versions must.
        case change(CacheChange, tags: [VersionedTag] = [])
        case answer(CacheAnswer)
    }

    struct Outcome: Sendable {
        let answer: CacheAnswer
        /// Whether there is a change, and a reader would have got a value before it.
        let hadValue: Bool
    }

    /// How often somebody else may come between a reading and the change. Whoever comes has changed the key, so that the decision is mostly another one
    /// then.
    private static let maximumAttempts = 32

    private enum Step {
        case reading
        case resolving(stored: CacheAnswer)
        case changing(hadValue: Bool)
    }

    private let key: ByteBuffer
    private let resolver: ValueResolver
    private let decide: (_ held: ByteBuffer?, _ found: CacheAnswer) -> Decision
    private var step = Step.reading
    private var attempts = 0
    private var acceptsCopy = true
    private var source = CacheSource.redis
    private var outcome: Outcome?
    private var whenDone: ((Outcome) -> Void)?

    /// - Parameter decide: gets the bytes that are stored, nil for none, and what a reader would get of them: `.hit` or `.miss`. Called again each time that
    ///   somebody has come between.
    init(_ key: ByteBuffer, _ resolver: ValueResolver, decide: @escaping (_ held: ByteBuffer?, _ found: CacheAnswer) -> Decision) {
        self.key = key
        self.resolver = resolver
        self.decide = decide
    }

    /// - Parameter whenDone: called on the event loop unless the outcome comes at once.
    /// - Returns: the outcome, or nil if it comes later.
    func begin(_ whenDone: @escaping (Outcome) -> Void) -> Outcome? {
        self.read()
        if self.outcome == nil { self.whenDone = whenDone }
        return self.outcome
    }

    private var now: Int { Int(NIODeadline.now().uptimeNanoseconds) }

    private func read() {
        guard self.attempts < Self.maximumAttempts else { return self.end(.unavailable(self.source), hadValue: false) }
        self.attempts += 1
        self.step = .reading
        if let answer = self.resolver.store.get(self.key, acceptsCopy: self.acceptsCopy, now: self.now, token: 0, receiver: self) {
            self.cacheAnswered(answer, token: 0)
        }
    }

    private func hasRead(_ stored: CacheAnswer) {
        self.source = stored.source
        // Memory does not know what the other instances see.
        if stored.source.isDegraded { return self.end(.unavailable(stored.source), hadValue: false) }
        self.step = .resolving(stored: stored)
        if let found = self.resolver.resolve(stored, acceptsCopy: self.acceptsCopy, now: self.now, token: 0, receiver: self) {
            self.hasResolved(found, stored)
        }
    }

    private func hasResolved(_ found: CacheAnswer, _ stored: CacheAnswer) {
        if found.source.isDegraded { return self.end(.unavailable(found.source), hadValue: false) }
        let held: ByteBuffer? = if case .hit(let value, _, _) = stored { value.buffer } else { nil }
        let hadValue = if case .hit = found { true } else { false }
        switch self.decide(held, found) {
        case .answer(let answer):
            guard self.acceptsCopy, stored.source == .near || found.source == .near else { return self.end(answer, hadValue: hadValue) }
            self.acceptsCopy = false
            self.read()
        case .change(let change, let tags):
            self.step = .changing(hadValue: hadValue)
            self.prolongVersions(of: tags, for: change)
            let answer = self.resolver.store.change(self.key, change, whileAway: .refused, now: self.now, token: 0, receiver: self)
            if let answer { self.hasChanged(answer, hadValue: hadValue) }
        }
    }

    /// Nobody waits for it: if it fails, the value dies with the versions.
    private func prolongVersions(of tags: [VersionedTag], for change: CacheChange) {
        guard !tags.isEmpty, let life = change.life else { return }
        let prolongation = CacheChange.prolong(milliseconds: TagVersion.life(forValueOf: life))
        for tag in tags {
            _ = self.resolver.store.change(tag.versionKey, prolongation, whileAway: .refused, now: self.now, token: 0, receiver: NobodyWaits())
        }
    }

    private func hasChanged(_ answer: CacheAnswer, hadValue: Bool) {
        guard case .conflict = answer else { return self.end(answer, hadValue: hadValue) }
        self.acceptsCopy = false
        self.read()
    }

    private func end(_ answer: CacheAnswer, hadValue: Bool) {
        let outcome = Outcome(answer: answer, hadValue: hadValue && answer.isChange)
        self.outcome = outcome
        self.whenDone?(outcome)
        self.whenDone = nil
    }
}

@available(*, unavailable)
extension ConditionalChange: Sendable {}

extension ConditionalChange: CacheAnswerReceiver {
    func cacheAnswered(_ answer: CacheAnswer, token: UInt64) {
        switch (self.step, answer) {
        case (.reading, .hit), (.reading, .miss): self.hasRead(answer)
        // A key that is no string, or may not be touched.
        case (.reading, _): self.end(answer, hadValue: false)
        case (.resolving(let stored), _): self.hasResolved(answer, stored)
        case (.changing(let hadValue), _): self.hasChanged(answer, hadValue: hadValue)
        }
    }
}

// MARK: The changes

extension ConditionalChange {
    /// Stores a value if what there is meets a condition: `.stored`, or `.conflict`.
    static func set(
        _ key: ByteBuffer, stored value: ByteBuffer, ttl: TimeToLive, _ resolver: ValueResolver, if condition: @escaping (CacheAnswer) -> Bool
    ) -> ConditionalChange {
        ConditionalChange(key, resolver) { held, found in
            guard condition(found) else { return .answer(.conflict(found.source)) }
            guard let held else { return .change(.create(value: value, ttl: ttl)) }
            return .change(.replace(expected: held, value: value, ttl: ttl))
        }
    }

    /// Deletes a value if it meets a condition: `.deleted`, `.conflict`, or `.miss` if there is none.
    static func delete(_ key: ByteBuffer, _ resolver: ValueResolver, if condition: @escaping (CacheAnswer) -> Bool) -> ConditionalChange {
        ConditionalChange(key, resolver) { held, found in
            guard case .hit = found, let held else { return .answer(found) }
            return condition(found) ? .change(.remove(expected: held)) : .answer(.conflict(found.source))
        }
    }

    /// Gives a value another time to live, and leaves how long it may be stale after that: `.stored`, or `.miss`.
    /// - Parameter ttlSeconds: nil for none, which a value with tags must not have.
    static func expire(_ key: ByteBuffer, ttlSeconds: Int64?, _ resolver: ValueResolver) -> ConditionalChange {
        ConditionalChange(key, resolver) { held, found in
            guard case .hit(let value, _, let source) = found, let held else { return .answer(found) }
            guard case .envelope(let enveloped) = value else {
                // Whatever takes its place, it is not prolonged if it is in an envelope, a lease in particular.
                return .change(
                    .expire(ttl: TimeToLive(seconds: ttlSeconds), prefix: held.beginning(1)))
            }
            if ttlSeconds == nil, !enveloped.envelope.tags.isEmpty { return .answer(.refused(.timeToLiveRequired, source)) }
            let ttl = TimeToLive(seconds: ttlSeconds.map { $0 + enveloped.envelope.staleSeconds })
            guard enveloped.envelope.lease != nil else {
                return .change(.expire(ttl: ttl, prefix: held.beginning(held.readableBytes - value.count)), tags: enveloped.envelope.tags)
            }
            // When a lease is over is said by what remains of the key, which changes: so the lease ends now.
            var envelope = enveloped.envelope
            envelope.lease = nil
            return .change(.replace(expected: held, value: envelope.wrap(enveloped.payload.buffer), ttl: ttl), tags: envelope.tags)
        }
    }
}

extension CacheChange {
    /// How long the value lives after it, in milliseconds; nil if there is no end, or the change does not say.
    fileprivate var life: Int64? {
        switch self {
        case .create(_, .milliseconds(let life)), .replace(_, _, .milliseconds(let life)), .expire(.milliseconds(let life), _): life
        case .create, .lease, .replace, .remove, .expire, .prolong: nil
        }
    }
}

private final class NobodyWaits: CacheAnswerReceiver {
    func cacheAnswered(_ answer: CacheAnswer, token: UInt64) {}
}

extension ByteBuffer {
    /// The first `count` bytes, or all if there are not so many.
    fileprivate func beginning(_ count: Int) -> ByteBuffer {
        self.getSlice(at: self.readerIndex, length: min(count, self.readableBytes)) ?? ByteBuffer()
    }
}
