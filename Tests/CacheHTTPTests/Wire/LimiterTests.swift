import Testing

@testable import CacheAPI
@testable import HTTPWire

/// What the process counts of all connections, as traces.
@Suite struct LimiterTests {
    private func limiter(_ change: (inout ServiceLimits) -> Void = { _ in }) -> Limiter {
        var limits = ServiceLimits()
        change(&limits)
        return Limiter(limits)
    }

    @Test func probesHavePlacesOfTheirOwn() {
        let limiter = self.limiter {
            $0.maximumRequestsInFlight = 1
            $0.maximumProbes = 1
        }
        #expect(limiter.admitRequest(isProbe: false))
        #expect(!limiter.admitRequest(isProbe: false))
        #expect(limiter.admitRequest(isProbe: true))
        #expect(!limiter.admitRequest(isProbe: true))
        #expect(limiter.refusals(.requestsInFlight) == 1 && limiter.refusals(.probes) == 1)
        limiter.releaseRequest(isProbe: true)
        #expect(!limiter.admitRequest(isProbe: false))
        #expect(limiter.admitRequest(isProbe: true))
    }

    /// Whoever waits for a value keeps nobody else out.
    @Test(arguments: [false, true]) func whoWaitsForAValueCountsOnlyAmongThoseWhoDo(_ isStream: Bool) {
        let limiter = self.limiter {
            $0.maximumRequestsInFlight = 1
            $0.maximumLeaseWaiters = 1
        }
        #expect(limiter.admitStream(isProbe: false, isOpen: false) && limiter.admitRequest(isProbe: false))
        #expect(limiter.beginWaiting(isStream: isStream))
        #expect(limiter.admitStream(isProbe: false, isOpen: false) == isStream)
        #expect(limiter.admitRequest(isProbe: false))
        #expect(!limiter.beginWaiting(isStream: isStream) && limiter.refusals(.leaseWaiters) == 1)
        limiter.endWaiting(isStream: isStream)
        #expect(!limiter.admitStream(isProbe: false, isOpen: false) && !limiter.admitRequest(isProbe: false))
        limiter.releaseStream()
        limiter.releaseRequest(isProbe: false)
        #expect(!limiter.admitRequest(isProbe: false), "the other is still there")
    }

    @Test func connectionsBeyondTheBoundAreForProbesOnly() {
        let limiter = self.limiter {
            $0.maximumConnections = 1
            $0.maximumProbes = 1
        }
        #expect(limiter.admit(connectionFrom: nil) == nil)
        #expect(limiter.admit(connectionFrom: nil) == .connections)
        #expect(limiter.hasRoomForProbes)
        #expect(limiter.admit(connectionFrom: nil) == .connections)
        #expect(!limiter.hasRoomForProbes)
    }

    @Test func bytesThatWaitAreBounded() {
        let limiter = self.limiter {
            $0.maximumUnsentBytes = 100
            $0.maximumReceivedBytes = 100
        }
        limiter.unsent(99)
        #expect(!limiter.isUnsentFull)
        limiter.unsent(1)
        #expect(limiter.isUnsentFull)
        limiter.unsent(-100)
        #expect(!limiter.isUnsentFull && limiter.unsentByteCount == 0)
        limiter.receiving(60)
        #expect(limiter.hasRoomToReceive(40) && !limiter.hasRoomToReceive(41))
        limiter.receiving(40)
        #expect(limiter.isReceiveFull)
    }

    @Test func aPeakIsNotedOnceItIsOver() {
        let limiter = self.limiter()
        limiter.unsent(1 << 20)
        limiter.unsent(-(1 << 20))
        #expect(!limiter.hasFallenFromPeak(), "too little to care")
        limiter.receiving(40 << 20)
        #expect(!limiter.hasFallenFromPeak(), "it is not over")
        limiter.receiving(-(35 << 20))
        #expect(limiter.hasFallenFromPeak())
        #expect(!limiter.hasFallenFromPeak(), "once")
        for _ in 0..<1000 { _ = limiter.admit(connectionFrom: nil) }
        #expect(!limiter.hasFallenFromPeak())
        for _ in 0..<1000 { limiter.release(connectionFrom: nil) }
        limiter.receiving(-(5 << 20))
        #expect(limiter.hasFallenFromPeak(), "connections have buffers")
    }
}
