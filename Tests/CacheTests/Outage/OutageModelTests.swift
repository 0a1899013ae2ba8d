import MemoryStore
import RedisClient
import TestSupport
import Testing

@testable import Cache

/// All interleavings of a few events up to a bound, and long ones at random: what must hold whatever happens, and in whatever order.
@Suite struct OutageModelTests {
    private enum Event: Hashable, CaseIterable {
        /// What comes of the recovery's step.
        case success, failure, anotherServer, fenceRefused
        case reportedFailure, recordA, recordB, recordLateA, lateReplyA, pattern, undeliveredPattern
        /// The third key is more than the journal takes.
        case recordC
    }

    /// A machine, and what a bystander knows of it.
    private struct Model: ~Copyable {
        var course = OutageCourse()
        /// Whether Redis was lost since the step under way was given out.
        var isInterrupted = false
        var violation: String?

        var keys: Set<[UInt8]> {
            let journal = self.course.machine.journal
            return Set(["a", "b", "c"].map(OutageCourse.bytes).filter { journal.contains($0) })
        }
        var patterns: Set<[UInt8]> { Set(self.course.machine.journal.patterns.map(\.bytes)) }

        /// - Returns: false if the event cannot happen now.
        mutating func take(_ event: Event) -> Bool {
            let keys = self.keys
            let patterns = self.patterns
            let mustPurge = self.course.machine.journal.mustPurge
            let gate = self.course.machine.gate
            var result: RecoveryEvent?
            switch event {
            case .success: result = self.course.success()
            case .failure:
                guard self.course.step != .wait else { return false }
                if case .deleteKeys = self.course.step {
                    result = .keysSettled(Settlement(failure: .connectionClosed))
                } else {
                    result = .stepFailed(.connectionClosed)
                }
            case .anotherServer:
                guard self.course.step == .identifyServer else { return false }
                result = .serverIdentified("another")
            case .fenceRefused:
                guard case .fence = self.course.step else { return false }
                result = .fenceRefused
            case .reportedFailure: self.note(self.course.failed())
            case .recordA: self.note(self.course.record("a"))
            case .recordB: self.note(self.course.record("b", isValue: false))
            case .recordC: self.note(self.course.record("c"))
            case .recordLateA:
                // Only a connection that lives can carry a command out late.
                guard self.course.machine.gate != .closed else { return false }
                self.note(self.course.record("a", isLate: true))
            case .lateReplyA:
                guard self.course.machine.gate != .closed else { return false }
                _ = self.course.machine.repliedLate(OutageCourse.bytes("a"))
            case .pattern:
                if let action = self.course.record(pattern: "p") { self.note(action) }
            case .undeliveredPattern:
                self.note(self.course.machine.failed(.overloaded, pattern: OutageCourse.bytes("q"), now: self.course.time).0)
            }
            if let result {
                let wasInterrupted = self.isInterrupted
                self.isInterrupted = false
                // A step over connections of an earlier attempt has left something behind.
                let decision = self.course.next(result == .connectionsEnded([]) ? .connectionsEnded([7]) : result)
                if wasInterrupted {
                    self.check(decision.step == .endConnections, "what belongs to an attempt that was given up must begin another")
                    // Another server may lack that everything was deleted just before: that is so whatever becomes of the attempt.
                    let isPurge = result == .recentWritesCollected(isComplete: true) && self.course.machine.journal.mustPurge
                    self.check(
                        decision.forgotten.isEmpty && (isPurge || self.keys == keys && self.patterns.isSuperset(of: patterns)),
                        "it changed the journal")
                }
                self.checkJournal(result, decision, keys, patterns, mustPurge)
                if gate == .closed, self.course.machine.gate != .closed {
                    let mayOpen =
                        switch result {
                        case .eventLoopsConnected, .everythingDeleted, .patternDeleted: true
                        default: false
                        }
                    self.check(mayOpen, "\(result) opened the gate")
                }
            } else {
                let collapsed = self.course.machine.journal.mustPurge
                self.check(collapsed || self.keys.isSuperset(of: keys), "a record left without a reply")
                self.check(collapsed || self.patterns.isSuperset(of: patterns), "a pattern left without a reply")
                self.check(collapsed || !mustPurge, "the purge was forgotten")
                self.check(gate != .closed || self.course.machine.gate == .closed, "the gate opened by itself")
            }
            self.checkGate()
            return true
        }

        private mutating func note(_ action: LossAction) {
            if action != .ignore { self.isInterrupted = true }
        }

        private mutating func note(_ action: RecordAction) {
            if case .overflow(let loss) = action { self.note(loss) }
        }

        private mutating func check(_ condition: Bool, _ text: String) {
            if !condition, self.violation == nil { self.violation = text }
        }

        /// Records leave only when Redis has replied.
        private mutating func checkJournal(
            _ event: RecoveryEvent, _ decision: RecoveryDecision, _ keys: Set<[UInt8]>, _ patterns: Set<[UInt8]>, _ mustPurge: Bool
        ) {
            let left = keys.subtracting(self.keys)
            let patternsLeft = patterns.subtracting(self.patterns)
            let isPurgeDue = self.course.machine.journal.mustPurge
            var settled: Set<[UInt8]> = []
            if case .keysSettled(let settlement) = event { settled = Set(settlement.settled.map(\.key)) }
            self.check(isPurgeDue || left.isSubset(of: settled), "\(event) took a record")
            self.check(Set(decision.forgotten).isSubset(of: settled) && (isPurgeDue || left == Set(decision.forgotten)), "memory keeps a value")
            var isPatternDeleted = false
            if case .patternDeleted = event { isPatternDeleted = true }
            self.check(isPurgeDue || patternsLeft.isEmpty || isPatternDeleted && patternsLeft.count == 1, "\(event) took a pattern")
            var isEverythingDeleted = false
            if case .everythingDeleted = event { isEverythingDeleted = true }
            self.check(isPurgeDue || !mustPurge || isEverythingDeleted, "\(event) took the purge")
        }

        private mutating func checkGate() {
            let machine = self.course.machine.gate
            guard machine != .closed else { return }
            self.check(self.course.machine.journal.hasNothingShared, "the gate is not closed while a pattern or everything is to be deleted")
            self.check(machine == .guarded || self.keys.isEmpty, "Redis is asked for a key that the journal holds")
            for key in self.keys { self.check(self.course.machine.answers(key), "Redis is asked for a key that the journal holds") }
        }

        /// What decides about everything that can follow, without counters and the numbers of versions.
        var fingerprint: String {
            let journal = self.course.machine.journal
            let entries = journal.entries(limit: .max)
            let keys = self.keys.map { key in "\(key)\(entries.first { $0.key == key }.map { "\($0.isValue)" } ?? "late")" }.sorted()
            let inHand: [String] =
                switch self.course.step {
                case .deleteKeys(let entries), .restoreKeys(let entries):
                    entries.map { entry in "\(entry.key)\(journal.entries(limit: .max).contains(entry))" }.sorted()
                case .pause: ["pause"]
                case .fence(let identifiers): ["fence \(min(1, identifiers.count))"]
                default: ["\(self.course.step)"]
                }
            let shared = "\(journal.mustPurge) \(journal.patterns.map(\.bytes))"
            return "\(self.course.machine.state) \(self.isInterrupted) \(keys) \(inHand) \(shared)"
        }
    }

    private static func run(_ events: [Event]) -> (fingerprint: String, violation: String?)? {
        var model = Model()
        for event in events {
            guard model.take(event) else { return nil }
        }
        return (model.fingerprint, model.violation)
    }

    @Test func everyInterleaving() {
        // From the start, and from the moment at which Redis is there.
        for prefix in [[], Array(repeating: Event.success, count: 7)] {
            var seen: Set<String> = []
            var frontier: [[Event]] = [prefix]
            for _ in 0..<9 {
                var next: [[Event]] = []
                for events in frontier {
                    for event in Event.allCases {
                        guard let (fingerprint, violation) = Self.run(events + [event]) else { continue }
                        #expect(violation == nil, "\(events + [event])")
                        guard violation == nil else { return }
                        if seen.insert(fingerprint).inserted { next.append(events + [event]) }
                    }
                }
                frontier = next
            }
            #expect(seen.count > 100, "the search has gone nowhere")
        }
    }

    @Test(arguments: 0..<50 as Range<UInt64>) func longCourses(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var model = Model()
        var states: Set<OutageStateMachine.State> = []
        var events: [Event] = []
        for _ in 0..<500 {
            let event = Int.random(in: 0..<3, using: &random) > 0 ? .success : Event.allCases.randomElement(using: &random) ?? .success
            guard model.take(event) else { continue }
            events.append(event)
            states.insert(model.course.machine.state)
            guard let violation = model.violation else { continue }
            Issue.record("seed \(seed): \(violation) after \(events.suffix(12))")
            return
        }
        #expect(states.contains(.connected) && states.contains(.settlingKeys))
    }
}
