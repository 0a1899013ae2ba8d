/// Finds entries whose deadline has passed without visiting the others.
///
/// Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", SOSP 1987, scheme 7: the time, in ticks of 1 ms, is a number with digits of 6 bits.
/// An entry waits at the level of the highest digit in which its deadline differs from the wheel's time, in the bucket of that digit. When the
/// wheel's time reaches the bucket, an entry at level 0 is due, and an entry at a higher level moves to a lower one ("cascades").
///
/// A bitmap of the occupied buckets of each level, and one of the occupied levels, lead to the next event in O(1) however far away it is: the lowest
/// occupied bucket of the lowest occupied level. Eleven levels of 64 buckets cover every `Int64` of milliseconds, so there is no horizon and no
/// special case; deadlines within ten years use the lowest seven.
///
/// Invariants: each scheduled entry has tick >= `now` (a passed deadline counts as `now`); its level is that of the highest digit of `tick ^ now`; so
/// at every level the buckets up to the digit of `now` are empty, except for the bucket that is being cascaded.
///
/// Cost: scheduling and removing are O(1); an entry cascades at most once per level. Work is counted in steps (a move or a due entry) and stops when
/// the caller's steps are used up, even in the middle of a cascade; the next call resumes it. If time stands still or goes back, nothing is due, and
/// a jump forward costs no more than the entries it makes due.
///
/// The links are in the entries of the slab. Size: 2.8 KiB.
struct TimerWheel {
    static let unscheduled = UInt16.max
    private static let digitBits: UInt64 = 6
    private static let bucketsPerLevel = 64
    private static let levelCount = 11

    private var now: UInt64 = 0
    private var firsts = ContiguousArray(repeating: MemoryEntry.none, count: levelCount * bucketsPerLevel)
    private var occupiedBuckets = ContiguousArray<UInt64>(repeating: 0, count: levelCount)
    private var occupiedLevels: UInt16 = 0
    private var cascadingBucket: Int?

    /// Schedules the entry of a slot by its deadline, unless it never expires. The entry must not be scheduled yet.
    mutating func schedule(_ slot: UInt32, now time: MonotonicTime, in slab: inout EntrySlab) {
        guard slab[slot].deadline != MemoryEntry.never else { return }
        if occupiedLevels == 0 {
            now = max(now, Self.tick(time.milliseconds))
            cascadingBucket = nil
        }
        link(slot, in: &slab)
    }

    /// Removes the entry of a slot from the wheel if it is scheduled.
    mutating func unschedule(_ slot: UInt32, in slab: inout EntrySlab) {
        let bucket = slab[slot].timerBucket
        guard bucket != Self.unscheduled else { return }
        let (previous, next) = (slab[slot].timerPrevious, slab[slot].timerNext)
        if next != MemoryEntry.none {
            slab[next].timerPrevious = previous
        }
        if previous != MemoryEntry.none {
            slab[previous].timerNext = next
        } else {
            setFirst(next, of: Int(bucket))
        }
        slab[slot].timerPrevious = MemoryEntry.none
        slab[slot].timerNext = MemoryEntry.none
        slab[slot].timerBucket = Self.unscheduled
    }

    /// Whether there may be work for ``nextDue(at:steps:in:)``; cheap enough for every access.
    @inline(__always)
    func mayHaveWork(at time: MonotonicTime) -> Bool {
        if occupiedLevels == 0 { return false }
        return cascadingBucket != nil || nextEvent().tick <= Self.tick(time.milliseconds)
    }

    /// Removes the next entry whose deadline is at or before `time`, in the order of deadlines; nil if there is none or the steps are used up.
    mutating func nextDue(at time: MonotonicTime, steps: inout Int, in slab: inout EntrySlab) -> UInt32? {
        let target = Self.tick(time.milliseconds)
        while steps > 0 {
            if let bucket = cascadingBucket {
                cascadeOne(from: bucket, steps: &steps, in: &slab)
                continue
            }
            guard occupiedLevels != 0 else {
                now = max(now, target)
                return nil
            }
            let event = nextEvent()
            guard event.tick <= target else {
                now = max(now, target)
                return nil
            }
            now = event.tick
            if event.bucket >= Self.bucketsPerLevel {
                cascadingBucket = event.bucket
            } else {
                steps -= 1
                let slot = firsts[event.bucket]
                unschedule(slot, in: &slab)
                return slot
            }
        }
        return nil
    }

    private mutating func cascadeOne(from bucket: Int, steps: inout Int, in slab: inout EntrySlab) {
        let slot = firsts[bucket]
        guard slot != MemoryEntry.none else {
            cascadingBucket = nil
            return
        }
        steps -= 1
        unschedule(slot, in: &slab)
        link(slot, in: &slab)
    }

    /// The earliest bucket with an entry, and the tick at which it begins. At least one entry must be scheduled.
    @inline(__always)
    private func nextEvent() -> (bucket: Int, tick: UInt64) {
        let level = occupiedLevels.trailingZeroBitCount
        let digit = occupiedBuckets[level].trailingZeroBitCount
        let shift = UInt64(level) * Self.digitBits
        // The digits above this level are those of the wheel's time, those below are zero. At the top level no digit is above.
        let above = level == Self.levelCount - 1 ? 0 : (now >> (shift + Self.digitBits)) << (shift + Self.digitBits)
        return (level * Self.bucketsPerLevel + digit, above | (UInt64(digit) << shift))
    }

    private mutating func link(_ slot: UInt32, in slab: inout EntrySlab) {
        let tick = max(Self.tick(slab[slot].deadline), now)
        let difference = tick ^ now
        let level = difference == 0 ? 0 : (UInt64.bitWidth - 1 - difference.leadingZeroBitCount) / Int(Self.digitBits)
        let digit = Int(truncatingIfNeeded: (tick >> (UInt64(level) * Self.digitBits)) & 63)
        let bucket = level * Self.bucketsPerLevel + digit
        let first = firsts[bucket]
        if first != MemoryEntry.none {
            slab[first].timerPrevious = slot
        }
        slab[slot].timerPrevious = MemoryEntry.none
        slab[slot].timerNext = first
        slab[slot].timerBucket = UInt16(bucket)
        setFirst(slot, of: bucket)
    }

    private mutating func setFirst(_ slot: UInt32, of bucket: Int) {
        firsts[bucket] = slot
        let (level, digit) = (bucket / Self.bucketsPerLevel, bucket % Self.bucketsPerLevel)
        if slot == MemoryEntry.none {
            occupiedBuckets[level] &= ~(1 << UInt64(digit))
            if occupiedBuckets[level] == 0 { occupiedLevels &= ~(1 << UInt16(level)) }
        } else {
            occupiedBuckets[level] |= 1 << UInt64(digit)
            occupiedLevels |= 1 << UInt16(level)
        }
    }

    /// Maps the signed milliseconds to unsigned ticks in the same order.
    @inline(__always)
    private static func tick(_ milliseconds: Int64) -> UInt64 {
        UInt64(bitPattern: milliseconds) ^ (1 << 63)
    }
}
