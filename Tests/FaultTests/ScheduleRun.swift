import Foundation
import Testing

/// What one trial found, or several.
protocol TrialOutcome: Sendable {
    init()

    mutating func add(_ other: Self)

    /// What is wrong, and what led to it; nil if nothing is.
    var complaint: String? { get }

    /// The figures of all, in words.
    var summary: String { get }
}

/// Runs random schedules, some at once, and judges each.
enum ScheduleRun {
    private static func number(_ name: String) -> UInt64? { ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) } }

    /// - Parameters:
    ///   - count: how many, unless `FAULT_SCHEDULES` says so. `FAULT_SEED` is the first seed; else it is random.
    ///   - run: performs the schedule of a seed, and gives it in words with what came of it.
    /// - Returns: what came of all of them.
    static func all<Outcome: TrialOutcome>(
        _ name: String, count: UInt64, atOnce: UInt64, _ run: @escaping @Sendable (UInt64) async throws -> (schedule: String, outcome: Outcome)
    ) async throws -> Outcome {
        let count = self.number("FAULT_SCHEDULES") ?? count
        let first = self.number("FAULT_SEED") ?? UInt64.random(in: 0..<1_000_000_000)
        print("\(name): \(count), from FAULT_SEED=\(first)")
        var total = Outcome()
        try await withThrowingTaskGroup(of: Outcome.self) { group in
            for number in 0..<count {
                if number >= atOnce, let outcome = try await group.next() { total.add(outcome) }
                group.addTask {
                    let (schedule, outcome) = try await run(first + number)
                    let complaint = outcome.complaint
                    #expect(complaint == nil, "FAULT_SEED=\(first + number) FAULT_SCHEDULES=1, \(schedule):\n\(complaint ?? "")")
                    return outcome
                }
            }
            for try await outcome in group { total.add(outcome) }
        }
        print(total.summary)
        return total
    }
}
