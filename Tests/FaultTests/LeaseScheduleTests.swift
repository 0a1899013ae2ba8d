import TestSupport
import Testing

/// Random schedules of faults while clients of two instances use leases and tags; `FAULT_SEED` repeats one, `FAULT_SCHEDULES` says how many.
@Suite(.enabled(if: RedisServerProcess.isAvailable), .timeLimit(.minutes(60)))
struct LeaseScheduleTests {
    @Test func aSeedGivesTheSameSchedule() {
        #expect(LeaseSchedule(seed: 7) == LeaseSchedule(seed: 7))
        let faults = Set((0..<50).flatMap { LeaseSchedule(seed: $0).steps.map(\.fault) })
        #expect(faults.isSuperset(of: [.restart, .restartEmpty, .stop, .network(.cut, instance: 0), .outOfMemory, .readOnly]))
    }

    @Test func noLeaseAndNoTagIsBroken() async throws {
        let total = try await ScheduleRun.all("schedules of leases", count: 12, atOnce: 2) { seed in
            let schedule = LeaseSchedule(seed: seed)
            return ("\(schedule)", try await LeaseTrial(schedule: schedule).run())
        }
        #expect(total.degraded > 0, "no schedule had an effect: nothing was tested")
        #expect(total.fills > 0 && total.lateFills > 0, "no lease was used, or none was lost")
    }
}
