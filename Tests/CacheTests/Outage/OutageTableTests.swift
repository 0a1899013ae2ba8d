import Foundation
import RedisClient
import Testing

@testable import Cache

/// The table of states and events in docs/outages.md is what the state machine does.
@Suite struct OutageTableTests {
    private typealias State = OutageStateMachine.State

    private static let begin = "<!-- states: made by OutageTableTests -->\n"
    private static let end = "<!-- end of states -->"

    /// One cell of the table: where events lead from a state.
    private static func cell(_ outcomes: [String]) -> String {
        var unique: [String] = []
        for outcome in outcomes where !unique.contains(outcome) { unique.append(outcome) }
        return unique.joined(separator: " or ")
    }

    private static func name(_ state: State) -> String {
        "\(state)".replacing(#/[A-Z]/#) { " " + $0.output.lowercased() }
    }

    private static func describe(_ course: borrowing OutageCourse, from state: State, _ step: RecoveryStep?) -> String {
        let next = course.machine.state
        if next == state, step == .wait || step == nil { return "" }
        return next == state ? "the next ones" : self.name(next)
    }

    /// Every duty that the journal may hold in a state decides what follows.
    private static let preparations: [@Sendable (inout OutageCourse) -> Void] = [
        { _ in }, { $0.record("x") }, { $0.record("y", isLate: true) }, { $0.record(pattern: "x*") }, { _ = $0.overflow() },
    ]

    private static let successes: [RecoveryEvent] = [
        .connectionsEnded([]), .pauseEnded, .redisAnswered, .connectionsFenced, .fenceRefused, .waitEnded, .serverIdentified("one"),
        .serverIdentified("another"), .recentWritesCollected(isComplete: true), .writesVerified, .eventLoopsConnected,
        .everythingDeleted(isRefused: false), .patternDeleted(isRefused: false),
    ]

    /// What came of the step under way: every event that moves the machine on, whatever the journal holds.
    private static func success(_ state: State) -> String {
        var outcomes: [String] = []
        if state == .endingConnections {
            var first = OutageCourse()
            first.advance(to: .endingConnections)
            outcomes.append(self.describe(first, from: state, first.next(.connectionsEnded([])).step))
        }
        if state == .probing {
            var fenced = OutageCourse.to(.endingConnections)
            fenced.next(.connectionsEnded([7]))
            fenced.advance(to: .probing)
            let step = fenced.next(.redisAnswered).step
            outcomes.append(self.describe(fenced, from: state, step))
        }
        if state == .connectingEventLoops {
            var full = OutageCourse.to(.lost)
            _ = full.overflow()
            full.advance(to: state)
            let step = full.next(.eventLoopsConnected).step
            outcomes.append(self.describe(full, from: state, step))
        }
        for prepare in self.preparations {
            for event in self.successes + [nil] {
                var course = OutageCourse.to(state)
                prepare(&course)
                guard course.machine.state == state else { continue }
                if event == nil, !self.isSettling(state) { continue }
                let step = course.next(event ?? course.success()).step
                outcomes.append(self.describe(course, from: state, step))
            }
        }
        return self.cell(outcomes.filter { !$0.isEmpty })
    }

    private static func isSettling(_ state: State) -> Bool { state == .settlingKeys || state == .settlingLateWrites }

    private static func outcome(_ state: State, _ event: RecoveryEvent) -> String {
        let outcomes = self.preparations.map { prepare in
            var course = OutageCourse.to(state)
            // A late write can be settled when its reply has come.
            if state == .waitingForLateReplies { _ = course.machine.repliedLate(OutageCourse.bytes("late")) }
            prepare(&course)
            guard course.machine.state == state else { return "" }
            let step = course.next(event).step
            return self.describe(course, from: state, step)
        }
        return self.cell(outcomes.filter { !$0.isEmpty })
    }

    private static func loss(_ state: State, _ event: (inout OutageCourse) -> Void) -> String {
        var course = OutageCourse.to(state)
        event(&course)
        return self.describe(course, from: state, nil)
    }

    private static var table: String {
        var table = """
            | state | every key is answered by | the step is done | the step fails | a failure is reported | the journal is full | woken | stop |
            |---|---|---|---|---|---|---|---|

            """
        for state in State.allCases {
            let gate =
                switch OutageCourse.to(state).machine.gate {
                case .open: "Redis"
                case .guarded: "Redis, or memory if the journal holds it"
                case .closed: "memory"
                }
            let cells = [
                "**\(self.name(state))**", gate, self.success(state), self.outcome(state, .stepFailed(.connectionClosed)),
                self.loss(state) { $0.failed(.overloaded) }, self.loss(state) { _ = $0.overflow() }, self.outcome(state, .woken),
                self.outcome(state, .stopped),
            ]
            table += "| " + cells.map { $0.isEmpty ? "·" : $0 }.joined(separator: " | ") + " |\n"
        }
        return table
    }

    @Test func theTableInTheDocumentation() throws {
        var root = URL(fileURLWithPath: #filePath)
        for _ in 0..<4 { root.deleteLastPathComponent() }
        let page = root.appendingPathComponent("docs/outages.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        let begin = try #require(text.range(of: Self.begin))
        let end = try #require(text.range(of: Self.end))
        guard ProcessInfo.processInfo.environment["UPDATE_OUTAGE_TABLE"] == nil else {
            try text.replacingCharacters(in: begin.upperBound..<end.lowerBound, with: Self.table).write(to: page, atomically: true, encoding: .utf8)
            return
        }
        #expect(text[begin.upperBound..<end.lowerBound] == Self.table, "UPDATE_OUTAGE_TABLE=1 swift test --filter OutageTableTests writes it")
    }
}
