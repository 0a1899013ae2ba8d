import Foundation
import TestSupport
import Testing

/// Random schedules of faults; `FAULT_SEED` repeats one, `FAULT_SCHEDULES` says how many (`make soak` runs 200).
@Suite(.enabled(if: RedisServerProcess.isAvailable), .timeLimit(.minutes(40)))
struct FaultScheduleTests {
    private static func number(_ name: String) -> UInt64? { ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) } }

    @Test func aSeedGivesTheSameSchedule() {
        #expect(FaultSchedule(seed: 7) == FaultSchedule(seed: 7))
        #expect(Set((0..<20).map { FaultSchedule(seed: $0).instances }) == [1, 2, 3])
    }

    @Test func nobodyIsLiedTo() async throws {
        let count = Self.number("FAULT_SCHEDULES") ?? 12
        let first = Self.number("FAULT_SEED") ?? UInt64.random(in: 0..<1_000_000_000)
        print("schedules of faults: \(count), from FAULT_SEED=\(first)")
        var total = FaultTrial.Outcome()
        try await withThrowingTaskGroup(of: FaultTrial.Outcome.self) { group in
            for number in 0..<count {
                if number >= 2, let outcome = try await group.next() { total.add(outcome) }
                let schedule = FaultSchedule(seed: first + number)
                group.addTask {
                    let outcome = try await FaultTrial(schedule: schedule).run()
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
        #expect(total.degraded > 0, "no schedule had an effect: nothing was tested")
        #expect(total.copies > 0 && total.foreignChanges > 0, "there were no copies that somebody could make old")
    }
}
