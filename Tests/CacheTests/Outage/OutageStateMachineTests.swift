import MemoryStore
import RedisClient
import Testing

@testable import Cache

/// Every event in every state.
@Suite struct OutageStateMachineTests {
    private enum Phase: CaseIterable {
        case starting, connected, outage, exclusiveReplay, keyReplay
    }

    private static func time(_ milliseconds: Int64) -> MonotonicTime { MonotonicTime(milliseconds: milliseconds) }

    /// A machine that went the shortest way to a state. Redis was there at 100 ms and away from 200 ms on.
    private func machine(_ phase: Phase) -> OutageStateMachine {
        var machine = OutageStateMachine(stableMilliseconds: 1000, now: Self.time(0))
        guard phase != .starting else { return machine }
        _ = machine.reached(generation: 0)
        _ = machine.sharedReplayed(generation: 0)
        _ = machine.replayed(generation: 0, now: Self.time(100))
        guard phase != .connected else { return machine }
        _ = machine.failed(.deadlines, now: Self.time(200))
        guard phase != .outage else { return machine }
        _ = machine.reached(generation: 1)
        guard phase != .exclusiveReplay else { return machine }
        _ = machine.sharedReplayed(generation: 1)
        return machine
    }

    private func expect<Action: Equatable>(
        _ event: (inout OutageStateMachine) -> Action,
        _ expected: [Phase: (action: Action, next: OutageStateMachine.State)],
        _ location: SourceLocation = #_sourceLocation
    ) {
        for phase in Phase.allCases {
            var machine = self.machine(phase)
            let action = event(&machine)
            #expect(action == expected[phase]?.action, "in \(phase)", sourceLocation: location)
            #expect(machine.state == expected[phase]?.next, "after \(phase)", sourceLocation: location)
        }
    }

    @Test func failure() {
        self.expect(
            { $0.failed(.overloaded, now: Self.time(300)) },
            [
                .starting: (.none, .outage), .connected: (.close(isNews: true), .outage), .outage: (.none, .outage),
                .exclusiveReplay: (.close(isNews: true), .outage), .keyReplay: (.close(isNews: true), .outage),
            ])
    }

    /// The same reason again, after an attempt that looked well, is no news.
    @Test func theSameFailureAgain() {
        self.expect(
            { $0.failed(.deadlines, now: Self.time(300)) },
            [
                .starting: (.none, .outage), .connected: (.close(isNews: true), .outage), .outage: (.none, .outage),
                .exclusiveReplay: (.close(isNews: false), .outage), .keyReplay: (.close(isNews: false), .outage),
            ])
    }

    @Test func failedAttempt() {
        self.expect(
            { $0.attemptFailed(.overloaded, generation: $0.generation) },
            [
                .starting: (.tell, .outage), .connected: (.none, .connected), .outage: (.tell, .outage),
                .exclusiveReplay: (.close(isNews: true), .outage), .keyReplay: (.close(isNews: true), .outage),
            ])
    }

    @Test func staleEvents() {
        for phase in Phase.allCases {
            var machine = self.machine(phase)
            let state = machine.state
            let stale = machine.generation - 1
            let action = machine.attemptFailed(.overloaded, generation: stale)
            let moved = [
                machine.reached(generation: stale), machine.sharedReplayed(generation: stale),
                machine.replayed(generation: stale, now: Self.time(300)),
            ]
            #expect(action == .none && !moved.contains(true))
            #expect(machine.state == state)
        }
    }

    @Test func reached() {
        self.expect(
            { $0.reached(generation: $0.generation) },
            [
                .starting: (true, .exclusiveReplay), .connected: (false, .connected), .outage: (true, .exclusiveReplay),
                .exclusiveReplay: (false, .exclusiveReplay), .keyReplay: (false, .keyReplay),
            ])
    }

    @Test func sharedReplayed() {
        self.expect(
            { $0.sharedReplayed(generation: $0.generation) },
            [
                .starting: (false, .outage), .connected: (false, .connected), .outage: (false, .outage), .exclusiveReplay: (true, .keyReplay),
                .keyReplay: (false, .keyReplay),
            ])
    }

    @Test func replayed() {
        self.expect(
            { $0.replayed(generation: $0.generation, now: Self.time(300)) },
            [
                .starting: (false, .outage), .connected: (false, .connected), .outage: (false, .outage),
                .exclusiveReplay: (false, .exclusiveReplay), .keyReplay: (true, .connected),
            ])
    }

    @Test func sinceAndReason() {
        var machine = self.machine(.outage)
        #expect(machine.since == Self.time(200))
        #expect(machine.reason == .deadlines)
        // A failed replay does not make the outage younger, and the reason is the last.
        _ = machine.reached(generation: 1)
        _ = machine.failed(.overloaded, now: Self.time(900))
        #expect(machine.since == Self.time(200))
        #expect(machine.reason == .overloaded)
        #expect(self.machine(.connected).since == Self.time(100))
    }

    /// Each reason is told once in an outage, and again in the next.
    @Test func reasonsAreToldOnce() {
        var machine = self.machine(.outage)
        let actions = [.deadlines, .failure(.connectionClosed), .overloaded, .failure(.connectionClosed)].map { (reason: OutageReason) in
            machine.attemptFailed(reason, generation: 1)
        }
        #expect(actions == [.none, .tell, .tell, .none])
        _ = machine.reached(generation: 1)
        _ = machine.sharedReplayed(generation: 1)
        _ = machine.replayed(generation: 1, now: Self.time(300))
        let next = machine.failed(.overloaded, now: Self.time(400))
        #expect(next == .close(isNews: true))
    }

    /// Pauses grow while Redis does not stay, and begin anew once it has stayed.
    @Test func failedAttempts() {
        var machine = self.machine(.outage)
        _ = machine.attemptFailed(.deadlines, generation: 1)
        _ = machine.reached(generation: 1)
        _ = machine.failed(.deadlines, now: Self.time(250))
        #expect(machine.failedAttempts == 2)
        func serve(until end: Int64) {
            _ = machine.reached(generation: machine.generation)
            _ = machine.sharedReplayed(generation: machine.generation)
            _ = machine.replayed(generation: machine.generation, now: Self.time(1000))
            _ = machine.failed(.deadlines, now: Self.time(end))
        }
        serve(until: 1999)
        #expect(machine.failedAttempts == 2)
        serve(until: 2000)
        #expect(machine.failedAttempts == 0)
    }
}
