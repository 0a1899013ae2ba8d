import Testing

@testable import CacheAPI
@testable import HTTPWire

/// When a connection ends, without clock and timer.
@Suite struct ConnectionLifetimeTests {
    private func verdict(_ lifetime: ConnectionLifetime, now: Int, isBusy: Bool = false) -> ConnectionLifetime.Verdict {
        lifetime.verdict(now: now, isBusy: isBusy, idle: 100, request: 30)
    }

    @Test func idle() {
        var lifetime = ConnectionLifetime()
        lifetime.sent(now: 10)
        #expect(self.verdict(lifetime, now: 50) == .waitUntil(110))
        #expect(self.verdict(lifetime, now: 110) == .close)
        #expect(self.verdict(lifetime, now: 110, isBusy: true) == .waitUntil(210))
    }

    @Test func aSlowRequestEndsBeforeTheIdleTime() {
        var lifetime = ConnectionLifetime()
        lifetime.received(now: 0)
        lifetime.owesRequest(now: 0)
        lifetime.received(now: 25)
        lifetime.owesRequest(now: 25)
        #expect(self.verdict(lifetime, now: 29) == .waitUntil(30))
        #expect(self.verdict(lifetime, now: 30) == .close)
        #expect(self.verdict(lifetime, now: 30, isBusy: true) == .waitUntil(130))
        lifetime.headArrived()
        #expect(self.verdict(lifetime, now: 30) == .close, "the body that follows its head has no time of its own")
        lifetime.owesNothing()
        #expect(self.verdict(lifetime, now: 30) == .waitUntil(125))
    }

    /// A client that owes us nothing is not slow, however long we take.
    @Test func whoWaitsForUsIsNotSlow() {
        var lifetime = ConnectionLifetime()
        lifetime.opened(now: 0)
        #expect(lifetime.owesSince == 0, "it has not brought any request")
        lifetime.owesRequest(now: 5)
        lifetime.headArrived()
        #expect(lifetime.owesSince == 5)
        lifetime.owesNothing()
        #expect(lifetime.owesSince == nil)
    }

    @Test func theEarliestEndCounts() {
        var lifetime = ConnectionLifetime()
        lifetime.sent(now: 0)
        lifetime.mustClose(at: 50)
        lifetime.mustClose(at: 70)
        #expect(self.verdict(lifetime, now: 40, isBusy: true) == .waitUntil(50))
        #expect(self.verdict(lifetime, now: 50, isBusy: true) == .close)
        lifetime.closes(by: 90)
        #expect(self.verdict(lifetime, now: 60) == .waitUntil(90), "a last answer has time of its own")
    }
}
