import NIOCore
import Testing

@testable import Cache

@Suite struct LeaseStandingTests {
    private let token = LeaseToken(bits: 7)
    private let payload = ByteBuffer(string: "[1]")

    private func placeholder(_ remaining: Int64?) -> ResolvedAnswer {
        let stored = Envelope.placeholder(Lease(token: self.token)).wrap(ByteBuffer())
        return ResolvedAnswer(stored: .hit(.buffer(stored), remainingMilliseconds: remaining, .redis), answer: .miss(.redis))
    }

    /// A value that is stale for its last 30 s, with so much left of its key.
    private func value(_ remaining: Int64, _ lease: Lease?, isCurrent: Bool = true) throws -> ResolvedAnswer {
        var envelope = Envelope()
        envelope.staleSeconds = 30
        envelope.lease = lease
        let stored = CachedValue.buffer(envelope.wrap(self.payload))
        guard case .enveloped(let opened) = StoredValue(stored) else { throw Unreadable() }
        let left = remaining - (lease?.valueEndMilliseconds ?? 0)
        let isHit = isCurrent && left > 0
        return ResolvedAnswer(
            stored: .hit(stored, remainingMilliseconds: remaining, .redis),
            answer: isHit ? .hit(.envelope(opened), remainingMilliseconds: left - 30_000, .redis) : .miss(.redis))
    }

    private struct Unreadable: Error {}

    @Test func anAbsenceIsFree() {
        guard case .free(nil) = LeaseStanding(ResolvedAnswer(stored: .miss(.redis), answer: .miss(.redis))) else {
            Issue.record("not free")
            return
        }
    }

    @Test(arguments: [5000, nil] as [Int64?]) func aPlaceholderIsHeldWhileItIsThere(_ remaining: Int64?) {
        guard case .held(remaining) = LeaseStanding(self.placeholder(remaining)) else {
            Issue.record("not held")
            return
        }
    }

    @Test func aFreshValueNeedsNoLease() throws {
        guard case .fresh = LeaseStanding(try self.value(31_000, nil)) else {
            Issue.record("not fresh")
            return
        }
    }

    @Test func aStaleValueIsFreeUntilSomebodyHasTheLease() throws {
        guard case .stale(_, 20_000) = LeaseStanding(try self.value(20_000, nil)) else {
            Issue.record("not stale")
            return
        }
        guard case .staleAndHeld = LeaseStanding(try self.value(20_000, Lease(token: self.token, endMilliseconds: 19_999))) else {
            Issue.record("not held")
            return
        }
        guard case .stale = LeaseStanding(try self.value(20_000, Lease(token: self.token, endMilliseconds: 20_000))) else {
            Issue.record("a lease that is over is held")
            return
        }
    }

    /// Without Redis: the value is a copy, and memory has a lease or none.
    @Test func aStaleValueThatWasLastKnownIsFreeUnlessMemoryHasALease() throws {
        let known = try self.value(20_000, nil).answer
        guard case .free(nil) = LeaseStanding(ResolvedAnswer(stored: .miss(.outage), answer: known)) else {
            Issue.record("not free")
            return
        }
        guard case .staleAndHeld = LeaseStanding(ResolvedAnswer(stored: self.placeholder(60_000).stored, answer: known)) else {
            Issue.record("not held")
            return
        }
    }

    @Test func whatHasAValue() throws {
        #expect(try self.value(20_000, nil).stored.hasValue)
        #expect(try self.value(20_000, Lease(token: self.token)).stored.hasValue)
        #expect(try !self.value(10_000, Lease(token: self.token, valueEndMilliseconds: 12_000)).stored.hasValue, "only its lease is left")
        #expect(!self.placeholder(5000).stored.hasValue && !CacheAnswer.miss(.outage).hasValue)
        #expect(CacheAnswer.hit(.buffer(self.payload), remainingMilliseconds: nil, .outage).hasValue)
        #expect(CacheAnswer.hit(.buffer(TagVersion(bits: 1).stored), remainingMilliseconds: nil, .outage).hasValue)
    }

    @Test func aLeaseThatOutlastsItsValueIsHeld() throws {
        guard case .held(10_000) = LeaseStanding(try self.value(10_000, Lease(token: self.token, valueEndMilliseconds: 12_000))) else {
            Issue.record("not held")
            return
        }
    }

    /// What was computed beside a value that lost a tag is as old as the value.
    @Test func aValueThatLostATagIsFreeWhateverItsLease() throws {
        guard case .free(.some) = LeaseStanding(try self.value(20_000, Lease(token: self.token, endMilliseconds: 1000), isCurrent: false)) else {
            Issue.record("not free")
            return
        }
    }

    // MARK: The ends of value and lease

    private func lease(_ valueRemaining: Int64, for milliseconds: Int64) throws -> (ttl: TimeToLive, lease: Lease) {
        guard case .hit(let stored, _, _) = try self.value(valueRemaining, nil).stored, case .enveloped(let value) = StoredValue(stored),
            case .replace(_, let bytes, let ttl) = value.leased(
                Lease(token: self.token), milliseconds, valueRemaining: valueRemaining, keyRemaining: valueRemaining),
            case .enveloped(let leased) = StoredValue(bytes), let lease = leased.envelope.lease
        else { throw Unreadable() }
        return (ttl, lease)
    }

    @Test func aShorterLeaseEndsBeforeItsValue() throws {
        let (ttl, lease) = try self.lease(20_000, for: 5000)
        #expect(ttl == .kept)
        #expect(lease == Lease(token: self.token, endMilliseconds: 15_000, valueEndMilliseconds: 0))
    }

    @Test func aLongerLeaseMakesTheKeyLiveOn() throws {
        let (ttl, lease) = try self.lease(20_000, for: 60_000)
        #expect(ttl == .milliseconds(60_000))
        #expect(lease == Lease(token: self.token, endMilliseconds: 0, valueEndMilliseconds: 40_000))
    }

    @Test func aLeaseThatIsGivenUpLeavesWhatRemainsOfTheValue() throws {
        let stored = try #require(StoredLease(try self.value(50_000, Lease(token: self.token, valueEndMilliseconds: 40_000)).stored))
        guard case .replace(_, let bytes, .milliseconds(10_000)) = stored.givenUp, case .enveloped(let value) = StoredValue(bytes) else {
            Issue.record("another time to live")
            return
        }
        #expect(value.envelope.lease == nil)
        #expect(value.envelope.staleSeconds == 30)
        let over = try #require(StoredLease(try self.value(30_000, Lease(token: self.token, valueEndMilliseconds: 40_000)).stored))
        guard case .remove = over.givenUp else {
            Issue.record("a value that is over comes back")
            return
        }
    }
}
