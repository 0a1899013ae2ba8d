import TestSupport
import Testing

@testable import MemoryStore

struct TimerWheelTests {
    /// A wheel with the slab that holds its links.
    struct Fixture: ~Copyable {
        var slab = EntrySlab()
        var wheel = TimerWheel()

        mutating func add(deadline: Int64, now: Int64) -> UInt32 {
            var entry = MemoryEntry()
            entry.deadline = deadline
            let slot = slab.insert(entry)
            wheel.schedule(slot, now: MonotonicTime(milliseconds: now), in: &slab)
            return slot
        }

        mutating func cancel(_ slot: UInt32) {
            wheel.unschedule(slot, in: &slab)
            _ = slab.remove(slot)
        }

        /// The deadlines that are due at `now`, in the order in which they come.
        mutating func due(at now: Int64, steps: Int = .max) -> [(slot: UInt32, deadline: Int64)] {
            var steps = steps
            var due: [(slot: UInt32, deadline: Int64)] = []
            while let slot = wheel.nextDue(at: MonotonicTime(milliseconds: now), steps: &steps, in: &slab) {
                due.append((slot, slab[slot].deadline))
                _ = slab.remove(slot)
            }
            return due
        }
    }

    @Test(arguments: [0, 1, 63, 64, 65, 4_095, 4_096, 86_400_000, 315_360_000_000, Int64.max - 1] as [Int64])
    func `an entry is due at its deadline and not a millisecond before`(delay: Int64) {
        for start in [0, 1_000_003, -77] as [Int64] where delay < .max - 2_000_000 || start == 0 {
            var fixture = Fixture()
            _ = fixture.add(deadline: start + delay, now: start)
            if delay > 0 { #expect(fixture.due(at: start + delay - 1).isEmpty) }
            #expect(fixture.due(at: start + delay).map(\.deadline) == [start + delay])
            #expect(fixture.due(at: .max).isEmpty)
        }
    }

    @Test func `an entry that never expires is not scheduled`() {
        var fixture = Fixture()
        _ = fixture.add(deadline: .max, now: 0)
        #expect(fixture.due(at: .max).isEmpty)
    }

    @Test func `a passed deadline is due at once, and time that goes back makes nothing due`() {
        var fixture = Fixture()
        _ = fixture.add(deadline: 500, now: 1_000)
        #expect(fixture.due(at: 999).isEmpty)
        #expect(fixture.due(at: 1_000).map(\.deadline) == [500])
        _ = fixture.add(deadline: 2_000, now: 1_000)
        #expect(fixture.due(at: 1_990).isEmpty)
        _ = fixture.add(deadline: 1_500, now: 1_400)
        #expect(fixture.due(at: 1_400).isEmpty)
        #expect(fixture.due(at: 2_000).map(\.deadline) == [1_500, 2_000])
    }

    @Test func `the work of one call is bounded and is resumed where it stopped`() {
        var fixture = Fixture()
        for deadline in 10_000..<11_000 as Range<Int64> { _ = fixture.add(deadline: deadline, now: 0) }
        var collected: [Int64] = []
        var calls = 0
        while collected.count < 1_000, calls < 10_000 {
            calls += 1
            let due = fixture.due(at: 20_000, steps: 7)
            #expect(due.count <= 7)
            collected += due.map(\.deadline)
        }
        #expect(collected == Array(10_000..<11_000))
        // At most two moves and the end for each, as the deadlines differ from the start in the third digit.
        #expect(calls <= 1_000 * 3 / 7 + 1)
    }

    @Test func `a bucket that is emptied in the middle of its cascade does not hold up what follows`() {
        var fixture = Fixture()
        let slots = (0..<4).map { fixture.add(deadline: 5_000 + $0, now: 0) }
        #expect(fixture.due(at: 6_000, steps: 2).isEmpty)
        for slot in slots { fixture.cancel(slot) }
        _ = fixture.add(deadline: 9_000, now: 8_000)
        _ = fixture.add(deadline: 5_001, now: 8_000)
        #expect(fixture.due(at: 9_000, steps: 20).map(\.deadline) == [5_001, 9_000])
    }

    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func `random schedules, cancellations and steps agree with a sorted list`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var fixture = Fixture()
        var expected: [UInt32: Int64] = [:]
        var now: Int64 = Int64.random(in: -1_000_000_000...1_000_000_000, using: &random)
        var latest = now
        for round in 0..<4_000 {
            // The wheel does not go back: what is scheduled with a deadline before its time is due when the time is reached again.
            latest = max(latest, now)
            let magnitude = UInt64(1) << UInt64.random(in: 0...40, using: &random)
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<6:
                let deadline = now + Int64(UInt64.random(in: 0...magnitude, using: &random)) - 2
                expected[fixture.add(deadline: deadline, now: now)] = deadline
            case 6:
                if let slot = expected.keys.min() {
                    fixture.cancel(slot)
                    expected[slot] = nil
                }
            case 7:
                now -= Int64.random(in: 0...3, using: &random)
            default:
                now += Int64(UInt64.random(in: 0...min(magnitude, 1 << 30), using: &random))
                if Bool.random(using: &random) || now < latest {
                    for due in fixture.due(at: now, steps: 5) {
                        #expect(due.deadline <= now, "seed \(seed), round \(round)")
                        #expect(expected.removeValue(forKey: due.slot) == due.deadline)
                    }
                } else {
                    let due = fixture.due(at: now)
                    let sorted = expected.values.filter { $0 <= now }.sorted()
                    #expect(due.map(\.deadline).sorted() == sorted, "seed \(seed), round \(round)")
                    for due in due { expected[due.slot] = nil }
                }
            }
        }
        #expect(fixture.due(at: .max).map(\.deadline).sorted() == expected.values.sorted(), "seed \(seed)")
    }

    @Test func `entries come in the order of their deadlines when time jumps over many`() {
        var random = SplitMix64(seed: 5)
        var fixture = Fixture()
        let deadlines = (0..<2_000).map { _ in Int64.random(in: 1...10_000_000, using: &random) }
        for deadline in deadlines { _ = fixture.add(deadline: deadline, now: 0) }
        #expect(fixture.due(at: 10_000_000).map(\.deadline) == deadlines.sorted())
    }
}

struct MonotonicTimeTests {
    @Test func `advancing saturates at both ends`() {
        let late = MonotonicTime(milliseconds: .max - 5)
        #expect(late.advanced(byMilliseconds: 5).milliseconds == .max)
        #expect(late.advanced(byMilliseconds: 6).milliseconds == .max)
        #expect(MonotonicTime(milliseconds: .min + 1).advanced(byMilliseconds: -2).milliseconds == .min)
        #expect(MonotonicTime(milliseconds: 3) < MonotonicTime(milliseconds: 4))
    }
}
