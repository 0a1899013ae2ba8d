import Foundation
import TestSupport
import Testing

/// Random schedules of what happens in a cluster; `FAULT_SEED` repeats one, `FAULT_SCHEDULES` says how many.
@Suite(.enabled(if: RedisServerProcess.isAvailable), .timeLimit(.minutes(60)))
struct ClusterScheduleTests {
    private static func number(_ name: String) -> UInt64? { ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) } }

    @Test func aSeedGivesTheSameSchedule() {
        #expect(ClusterSchedule(seed: 7) == ClusterSchedule(seed: 7))
        let faults = (0..<20).flatMap { ClusterSchedule(seed: $0).steps.map(\.fault) }
        #expect(faults.contains { $0.isLoss } && faults.contains { if case .migration = $0 { true } else { false } })
    }

    @Test func nobodyIsLiedToInACluster() async throws {
        let count = Self.number("FAULT_SCHEDULES") ?? 3
        let first = Self.number("FAULT_SEED") ?? UInt64.random(in: 0..<1_000_000_000)
        print("schedules of a cluster: \(count), from FAULT_SEED=\(first)")
        var total = FaultTrial.Outcome()
        try await withThrowingTaskGroup(of: FaultTrial.Outcome.self) { group in
            for number in 0..<count {
                if number >= 3, let outcome = try await group.next() { total.add(outcome) }
                let schedule = ClusterSchedule(seed: first + number)
                group.addTask {
                    let outcome = try await ClusterTrial(schedule: schedule).run()
                    let course = outcome.course.map { "    \($0)" }
                    let text = (outcome.violations.prefix(5).map(\.description) + ["what was done to the first key:"] + course).joined(
                        separator: "\n")
                    let repetition = "FAULT_SEED=\(schedule.seed) FAULT_SCHEDULES=1, \(schedule)"
                    #expect(outcome.violations.isEmpty, "\(repetition):\n\(text)")
                    return outcome
                }
            }
            for try await outcome in group { total.add(outcome) }
        }
        print("\(total.answers) answers, \(total.degraded) of them from memory in an outage, \(total.copies) copies;")
        print("\(total.foreignChanges) changes by a foreign client; \(total.violations.count) violations")
        #expect(total.copies > 0 && total.foreignChanges > 0, "there were no copies that somebody could make old")
    }
}
