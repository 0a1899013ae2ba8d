import Foundation
import Testing

/// Runs random schedules, some at once, and judges each.
enum ScheduleRun {
    private static func number(_ name: String) -> UInt64? { ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) } }

    /// - Parameters:
    ///   - count: how many, unless `FAULT_SCHEDULES` says so. `FAULT_SEED` is the first seed; else it is random.
    ///   - run: performs the schedule of a seed, and gives it in words with what came of it.
    /// - Returns: what came of all of them.
    static func all(
        _ name: String, count: UInt64, atOnce: UInt64, _ run: @escaping @Sendable (UInt64) async throws -> (schedule: String, FaultTrial.Outcome)
    ) async throws -> FaultTrial.Outcome {
        let count = self.number("FAULT_SCHEDULES") ?? count
        let first = self.number("FAULT_SEED") ?? UInt64.random(in: 0..<1_000_000_000)
        print("\(name): \(count), from FAULT_SEED=\(first)")
        var total = FaultTrial.Outcome()
        try await withThrowingTaskGroup(of: FaultTrial.Outcome.self) { group in
            for number in 0..<count {
                if number >= atOnce, let outcome = try await group.next() { total.add(outcome) }
                group.addTask {
                    let (schedule, outcome) = try await run(first + number)
                    let course = outcome.course.map { "    \($0)" }
                    let text = (outcome.violations.prefix(5).map(\.description) + ["what was done to the first key:"] + course).joined(
                        separator: "\n")
                    #expect(outcome.violations.isEmpty, "FAULT_SEED=\(first + number) FAULT_SCHEDULES=1, \(schedule):\n\(text)")
                    return outcome
                }
            }
            for try await outcome in group { total.add(outcome) }
        }
        print("\(total.answers) answers, \(total.degraded) of them from memory in an outage, \(total.copies) copies;")
        print("\(total.foreignChanges) changes by a foreign client; \(total.violations.count) violations")
        return total
    }
}
