import CacheTestSupport
import MemoryStore
import NIOCore
import Testing

@testable import Cache

@Suite struct ValueResolverTests {
    private let store = EmbeddedStore(MemoryStore(MemoryStoreConfiguration(maximumBytes: 4 << 20)))
    private let answers = RecordingAnswers()
    private let key = ByteBuffer(string: "k")
    private let payload = ByteBuffer(string: "[1]")

    private func tag(_ name: String, _ version: UInt128) -> VersionedTag {
        VersionedTag(name: ByteBuffer(string: name), version: TagVersion(bits: version))
    }

    private func put(_ tag: VersionedTag) {
        _ = self.store.set(tag.versionKey, value: tag.version.stored, ttlSeconds: 60)
    }

    private func put(_ envelope: Envelope, ttlSeconds: Int64?, now: MonotonicTime) {
        _ = self.store.set(self.key, value: envelope.wrap(envelope.form == .value ? self.payload : ByteBuffer()), ttlSeconds: ttlSeconds, now: now)
    }

    private func read(_ resolver: ValueResolver, at milliseconds: Int = 0) -> CacheAnswer? {
        let now = milliseconds * 1_000_000
        guard let answer = resolver.store.get(self.key, acceptsCopy: true, now: now, token: 7, receiver: self.answers) else { return nil }
        return resolver.resolve(answer, acceptsCopy: true, now: now, token: 7, receiver: self.answers)
    }

    @Test func aPlainValueStaysAsItIs() {
        _ = self.store.set(self.key, value: self.payload, ttlSeconds: nil)
        #expect(self.read(ValueResolver(self.store))?.text == "hit [1] ttl=none memory")
    }

    @Test func aPlaceholderIsAnAbsence() {
        self.put(.placeholder(Lease(token: .random())), ttlSeconds: 10, now: MonotonicTime(milliseconds: 0))
        #expect(self.read(ValueResolver(self.store))?.text == "miss memory")
    }

    @Test func theVersionOfATagIsAnAbsence() {
        _ = self.store.set(self.key, value: TagVersion.random().stored, ttlSeconds: nil)
        #expect(self.read(ValueResolver(self.store))?.text == "miss memory")
    }

    @Test(arguments: [[0xFF, 1, 1], [0xFF, 2, 1, 0, 0, 0, 0]] as [[UInt8]])
    func whatCannotBeReadIsAnAbsenceAndCounted(_ bytes: [UInt8]) {
        let log = RecordedLog()
        let resolver = ValueResolver(self.store, logger: log.logger)
        _ = self.store.set(self.key, value: ByteBuffer(bytes: bytes), ttlSeconds: nil)
        for _ in 0..<100 { #expect(self.read(resolver)?.text == "miss memory") }
        #expect(resolver.counters.count(.unreadable) == 100)
        #expect(log.lines.count == 1)
    }

    /// Fresh while more remains than the stale part; then stale, and at the end gone.
    @Test func freshnessIsWhatRemainsBeyondTheStalePart() {
        var envelope = Envelope()
        envelope.staleSeconds = 30
        self.put(envelope, ttlSeconds: 90, now: MonotonicTime(milliseconds: 0))
        let resolver = ValueResolver(self.store)
        #expect(self.read(resolver)?.text == "hit [1] ttl=60000 memory")
        #expect(self.read(resolver, at: 60_000)?.text == "hit [1] ttl=0 memory")
        #expect(resolver.counters.count(.stale) == 0)
        #expect(self.read(resolver, at: 72_000)?.text == "hit [1] ttl=-12000 memory")
        #expect(resolver.counters.count(.stale) == 1)
        #expect(self.read(resolver, at: 90_000)?.text == "miss memory")
    }

    @Test func aTaggedValueCountsWhileAllOfItsTagsDo() {
        let tags = [self.tag("a", 1), self.tag("b", 2)]
        var envelope = Envelope()
        envelope.tags = tags
        self.put(envelope, ttlSeconds: 60, now: .now)
        let resolver = ValueResolver(self.store)
        let now = Int(MonotonicTime.now.milliseconds)
        #expect(self.read(resolver, at: now)?.text == "miss memory", "no versions are there")
        self.put(tags[0])
        #expect(self.read(resolver, at: now)?.text == "miss memory", "one is missing")
        self.put(tags[1])
        #expect(self.read(resolver, at: now)?.text.hasPrefix("hit [1]") == true)
        self.put(self.tag("b", 3))
        #expect(self.read(resolver, at: now)?.text == "miss memory", "one has changed")
        #expect(resolver.counters.count(.outdated) == 3)
        _ = self.store.set(tags[1].versionKey, value: ByteBuffer(string: "2"), ttlSeconds: nil)
        #expect(self.read(resolver, at: now)?.text == "miss memory", "what is there is no version")
    }

    // MARK: A store that answers later

    private func stored(_ envelope: Envelope) -> CacheAnswer {
        .hit(.buffer(envelope.wrap(self.payload)), remainingMilliseconds: 5000, .redis)
    }

    private func version(_ bits: UInt128) -> CacheAnswer { .hit(.buffer(TagVersion(bits: bits).stored), remainingMilliseconds: nil, .redis) }

    @Test func versionsMayComeLaterAndInAnyOrder() {
        let fake = FakeStore()
        let resolver = ValueResolver(fake)
        var envelope = Envelope()
        envelope.tags = [self.tag("a", 1), self.tag("b", 2)]
        for (isSecondFirst, second) in [(false, UInt128(2)), (true, 2), (false, 9), (true, 9)] {
            let answer = resolver.resolve(self.stored(envelope), acceptsCopy: false, now: 0, token: 7, receiver: self.answers)
            #expect(answer == nil)
            #expect(fake.waitingOperations == ["GET redis-caching-agent:tag:a, no copy", "GET redis-caching-agent:tag:b, no copy"])
            fake.answer(self.version(isSecondFirst ? second : 1), at: isSecondFirst ? 1 : 0)
            fake.answer(self.version(isSecondFirst ? 1 : second))
        }
        #expect(self.answers.answers == ["7: hit [1] ttl=5000 redis", "7: hit [1] ttl=5000 redis", "7: miss redis", "7: miss redis"])
    }

    /// What is true of a tag in an outage, memory says, and so the whole answer is one of the outage.
    @Test func aVersionOfAnOutageMakesTheAnswerOneOfAnOutage() {
        let fake = FakeStore()
        fake.answerAtOnce = { _ in .hit(.buffer(TagVersion(bits: 1).stored), remainingMilliseconds: nil, .outage) }
        var envelope = Envelope()
        envelope.tags = [self.tag("a", 1)]
        let answer = ValueResolver(fake).resolve(self.stored(envelope), acceptsCopy: true, now: 0, token: 7, receiver: self.answers)
        #expect(answer?.text == "hit [1] ttl=5000 outage")
    }

    /// A slot is used again only when all versions of its value have come.
    @Test func readsSideBySideAreKeptApart() {
        let fake = FakeStore()
        let resolver = ValueResolver(fake)
        var envelope = Envelope()
        envelope.tags = [self.tag("a", 1)]
        for token in UInt64(1)...3 { _ = resolver.resolve(self.stored(envelope), acceptsCopy: true, now: 0, token: token, receiver: self.answers) }
        fake.answer(self.version(1), at: 1)
        _ = resolver.resolve(self.stored(envelope), acceptsCopy: true, now: 0, token: 4, receiver: self.answers)
        fake.answer(self.version(5), at: 2)
        fake.answer(self.version(1))
        fake.answer(.miss(.redis))
        #expect(
            self.answers.answers == ["2: hit [1] ttl=5000 redis", "4: miss redis", "1: hit [1] ttl=5000 redis", "3: miss redis"])
    }
}
