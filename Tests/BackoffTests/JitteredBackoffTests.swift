import Backoff
import NIOCore
import Testing

@Suite struct JitteredBackoffTests {
    private static let bounds = [50, 100, 200, 400, 800, 1600, 2000, 2000]

    @Test(arguments: [0, 0.5, 0.999_999]) func fullJitterStaysBelowTheBound(_ random: Double) {
        let backoff = JitteredBackoff(base: .milliseconds(50), cap: .seconds(2))
        for (attempt, bound) in Self.bounds.enumerated() {
            let pause = backoff.pause(.attempt(attempt), random: random)
            #expect(abs(Double(pause.nanoseconds) - Double(bound) * 1e6 * random) < 2)
        }
        #expect(backoff.pause(.attempt(.max), random: random) < .seconds(2))
    }

    @Test(arguments: [0, 0.5, 0.999_999]) func halfJitterIsAtLeastHalfOfTheBound(_ random: Double) {
        let backoff = JitteredBackoff(base: .milliseconds(50), cap: .seconds(2), jitter: .half)
        for (attempt, bound) in Self.bounds.enumerated() {
            let pause = backoff.pause(.attempt(attempt), random: random)
            #expect(abs(Double(pause.nanoseconds) - Double(bound) * 1e6 * (0.5 + random / 2)) < 2)
        }
    }

    @Test(arguments: [JitteredBackoff.Jitter.full, .half], [0, 0.5, 0.999_999])
    func aPeerThatRefusesIsAskedRarely(_ jitter: JitteredBackoff.Jitter, _ random: Double) {
        let pause = JitteredBackoff(base: .milliseconds(50), cap: .seconds(2), jitter: jitter).pause(.capped, random: random)
        #expect(pause >= .seconds(1) && pause < .seconds(2))
    }

    @Test func noBoundOverflows() {
        let backoff = JitteredBackoff(base: .hours(1_000_000), cap: .hours(2_000_000))
        #expect(backoff.pause(.attempt(20), random: 0.5) == .hours(1_000_000))
    }

    @Test func seconds() {
        #expect(TimeAmount.milliseconds(1500).inSeconds == 1.5)
    }
}
