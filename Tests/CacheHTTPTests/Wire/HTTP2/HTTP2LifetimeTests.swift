import Testing

@testable import HTTPWire

/// The end of an HTTP/2 connection as traces. Times in seconds.
@Suite struct HTTP2LifetimeTests {
    private static let second = 1_000_000_000

    private struct Traced {
        var lifetime: HTTP2Lifetime
        var what = HTTP2Lifetime.Circumstances(hasStreams: false, isAnswerDue: false, oldestOpenRequest: nil, isUnsentFull: false)

        init() {
            let second = HTTP2LifetimeTests.second
            self.lifetime = HTTP2Lifetime(
                ConnectionStateMachine.Bounds(
                    idle: 120 * second, request: 30 * second, drain: second / 2, lastAnswer: 2 * second, linger: second, headBytes: 1024,
                    pipelinedBytes: 1024, unsentBytes: 1024),
                now: 0)
        }

        func verdict(_ time: Double) -> HTTP2Lifetime.Verdict { self.lifetime.verdict(self.what, now: Int(time * 1e9)) }
    }

    private func at(_ time: Double) -> Int { Int(time * 1e9) }

    @Test func aConnectionWithoutRequestsEnds() {
        var traced = Traced()
        #expect(traced.verdict(0) == .waitUntil(self.at(30)), "never later, since what begins meanwhile may have an earlier end")
        #expect(traced.verdict(119) == .waitUntil(self.at(120)))
        #expect(traced.verdict(120) == .endIdle)
        traced.lifetime.frameArrived(isOfRequest: false, now: self.at(100))
        #expect(traced.verdict(120) == .endIdle, "signs of life are no requests")
        traced.lifetime.frameArrived(isOfRequest: true, now: self.at(100))
        #expect(traced.verdict(219) == .waitUntil(self.at(220)))
        traced.lifetime.answered(now: self.at(150))
        #expect(traced.verdict(220) == .waitUntil(self.at(250)))
        traced.what.hasStreams = true
        #expect(traced.verdict(300) == .waitUntil(self.at(330)), "a stream is open")
    }

    @Test func aFrameMustComeToItsEnd() {
        var traced = Traced()
        traced.what.hasStreams = true
        traced.lifetime.bytesArrived(now: self.at(1))
        traced.lifetime.bytesArrived(now: self.at(20))
        #expect(traced.lifetime.owesSince == self.at(1))
        #expect(traced.verdict(30) == .waitUntil(self.at(31)))
        #expect(traced.verdict(31) == .endSlow)
        traced.lifetime.frameArrived(isOfRequest: true, now: self.at(30))
        #expect(traced.lifetime.owesSince == nil)
        #expect(traced.verdict(31) == .waitUntil(self.at(61)))
    }

    @Test func aNewClientOwesItsFirstRequest() {
        var traced = Traced()
        #expect(traced.lifetime.owesSince == 0)
        traced.lifetime.frameArrived(isOfRequest: false, now: self.at(1))
        #expect(traced.lifetime.owesSince == 0)
        traced.lifetime.frameArrived(isOfRequest: true, now: self.at(1))
        #expect(traced.lifetime.owesSince == nil)
    }

    @Test func aClientThatTakesNothingIsEndedEarlyIfTheProcessIsFull() {
        var traced = Traced()
        traced.what.hasStreams = true
        let starts = [
            traced.lifetime.unsentChanged(taken: 0, waiting: 10, now: self.at(1)),
            traced.lifetime.unsentChanged(taken: 0, waiting: 20, now: self.at(2)),
        ]
        #expect(starts == [true, false] && traced.lifetime.isStalled)
        #expect(traced.verdict(1.5) == .waitUntil(self.at(2)))
        #expect(traced.verdict(10) == .waitUntil(self.at(11)), "it is looked at each second")
        #expect(traced.verdict(121) == .endSlow)
        traced.what.isUnsentFull = true
        #expect(traced.verdict(1.5) == .waitUntil(self.at(2)))
        #expect(traced.verdict(2) == .closeUnread)
    }

    @Test func aClientThatTakesABitNowAndThenDoesNotCountAsOneThatReads() {
        var traced = Traced()
        traced.what.hasStreams = true
        _ = traced.lifetime.unsentChanged(taken: 0, waiting: 100_000, now: self.at(1))
        _ = traced.lifetime.unsentChanged(taken: 1, waiting: 99_999, now: self.at(100))
        #expect(traced.verdict(121) == .endSlow)
        _ = traced.lifetime.unsentChanged(taken: 16_383, waiting: 80_000, now: self.at(100))
        #expect(traced.verdict(121) == .waitUntil(self.at(122)), "16 KiB have left")
        _ = traced.lifetime.unsentChanged(taken: 80_000, waiting: 0, now: self.at(101))
        #expect(!traced.lifetime.isStalled && traced.verdict(300) == .waitUntil(self.at(330)))
    }

    @Test func aStopWaitsForARoundTripAndThenForStreams() {
        var traced = Traced()
        let announced = [traced.lifetime.announce(now: 0), traced.lifetime.announce(now: 0)]
        #expect(announced == [true, false] && traced.lifetime.takesStreams)
        #expect(traced.verdict(0.4) == .waitUntil(self.at(0.5)))
        #expect(traced.verdict(0.5) == .finish, "the client has not answered")
        let finished = [traced.lifetime.finish(now: self.at(0.5)), traced.lifetime.finish(now: self.at(0.5))]
        #expect(finished == [true, false] && !traced.lifetime.takesStreams)
        traced.what.hasStreams = true
        traced.what.isAnswerDue = true
        #expect(traced.verdict(20) == .waitUntil(self.at(50)), "an answer of ours is due")
        traced.what.isAnswerDue = false
        traced.lifetime.answered(now: self.at(20))
        #expect(traced.verdict(21) == .waitUntil(self.at(22)))
        #expect(traced.verdict(22) == .close, "the client has had its time to read")
    }

    @Test func closingTakesAsLongAsTheLastAnswerAndThenTheClientsSide() {
        var traced = Traced()
        let closes = [traced.lifetime.close(now: self.at(1)), traced.lifetime.close(now: self.at(2))]
        #expect(closes == [true, false] && traced.lifetime.isClosing)
        #expect(traced.verdict(2) == .waitUntil(self.at(3)))
        #expect(traced.verdict(3) == .close)
        let lingers = traced.lifetime.lastAnswerTaken(now: self.at(2.5))
        #expect(lingers == self.at(3.5) && traced.verdict(3) == .waitUntil(self.at(3.5)) && traced.verdict(3.5) == .close)
        traced.lifetime.inactive()
        #expect(traced.verdict(100) == .waitUntil(.max))
        let late = [traced.lifetime.announce(now: 0), traced.lifetime.finish(now: 0), traced.lifetime.close(now: 0)]
        #expect(late == [false, false, false])
    }
}
