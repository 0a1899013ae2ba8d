import Testing

@testable import CacheHTTP

/// The order of things on a connection, as traces.
@Suite struct FastLanePhaseTests {
    @Test func aRouterRequestIsOverWhenItIsInAndAnswered() {
        var phase = FastLanePhase.awaitingRouter(bodyRemaining: 10, answered: false)
        #expect(phase.takeBody(4) == 4)
        #expect(phase == .awaitingRouter(bodyRemaining: 6, answered: false))
        phase.routerAnswered()
        #expect(!phase.isRouterDone)
        #expect(phase.takeBody(100) == 6)
        #expect(phase.isRouterDone)
    }

    @Test(arguments: [FastLanePhase.ready, .awaitingCache(token: 1), .handedOver, .closing]) func eventsOfTheRouterElsewhereChangeNothing(
        _ before: FastLanePhase
    ) {
        var phase = before
        phase.routerAnswered()
        #expect(phase == before)
        #expect(phase.takeBody(5) == 0)
        #expect(phase == before)
        #expect(!phase.isRouterDone)
    }

    @Test func readingStopsAtTheBoundWhileAnAnswerIsPending() {
        let pending: [FastLanePhase] = [.awaitingCache(token: 1), .awaitingRouter(bodyRemaining: 0, answered: false)]
        for phase in pending {
            #expect(phase.wantsBytes(buffered: 9, bound: 10))
            #expect(!phase.wantsBytes(buffered: 10, bound: 10))
        }
        let reading: [FastLanePhase] = [.ready, .handedOver, .closing, .awaitingRouter(bodyRemaining: 1, answered: true)]
        for phase in reading { #expect(phase.wantsBytes(buffered: 1000, bound: 10)) }
    }
}
