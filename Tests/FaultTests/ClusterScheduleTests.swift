import TestSupport
import Testing

/// Random schedules of what happens in a cluster; `FAULT_SEED` repeats one, `FAULT_SCHEDULES` says how many.
@Suite(.enabled(if: RedisServerProcess.isAvailable), .timeLimit(.minutes(60)))
struct ClusterScheduleTests {
    @Test func aSeedGivesTheSameSchedule() {
        #expect(ClusterSchedule(seed: 7) == ClusterSchedule(seed: 7))
        let faults = (0..<20).flatMap { ClusterSchedule(seed: $0).steps.map(\.fault) }
        #expect(faults.contains { $0.isLoss } && faults.contains { if case .migration = $0 { true } else { false } })
    }

    @Test func nobodyIsLiedToInACluster() async throws {
        let total = try await ScheduleRun.all("schedules of a cluster", count: 3, atOnce: 3) { seed in
            let schedule = ClusterSchedule(seed: seed)
            return ("\(schedule)", try await ClusterTrial(schedule: schedule).run())
        }
        #expect(total.copies > 0 && total.foreignChanges > 0, "there were no copies that somebody could make old")
    }
}
