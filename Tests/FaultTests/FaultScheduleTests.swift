import TestSupport
import Testing

/// Random schedules of faults; `FAULT_SEED` repeats one, `FAULT_SCHEDULES` says how many (`make soak` runs 200).
@Suite(.enabled(if: RedisServerProcess.isAvailable), .timeLimit(.minutes(40)))
struct FaultScheduleTests {
    @Test func aSeedGivesTheSameSchedule() {
        #expect(FaultSchedule(seed: 7) == FaultSchedule(seed: 7))
        #expect(Set((0..<20).map { FaultSchedule(seed: $0).instances }) == [1, 2, 3])
    }

    @Test func nobodyIsLiedTo() async throws {
        let total = try await ScheduleRun.all("schedules of faults", count: 12, atOnce: 2) { seed in
            let schedule = FaultSchedule(seed: seed)
            return ("\(schedule)", try await FaultTrial(schedule: schedule).run())
        }
        #expect(total.degraded > 0, "no schedule had an effect: nothing was tested")
        #expect(total.copies > 0 && total.foreignChanges > 0, "there were no copies that somebody could make old")
    }
}
