/// All entries of a shard in one array, addressed by their index ("slot").
///
/// An entry never moves to another slot, which is what a walk relies on (see ``MemoryCursor``) and lets lists and the index refer to it with 32 bits.
/// Free slots are linked and reused first. The array grows by a quarter: the amortised cost of an insertion stays constant, and at most a fifth of
/// the slab is unused. It shrinks only if `removeAllSlots` is called on an empty slab.
struct EntrySlab {
    private static let initialCapacity = 16

    private(set) var count = 0
    private var firstFree = MemoryEntry.none
    var entries = ContiguousArray<MemoryEntry>()

    /// The number of slots, used and free.
    var slotCount: Int { entries.count }

    var hasFreeSlot: Bool { firstFree != MemoryEntry.none }

    /// Puts an entry into a free slot, growing if there is none. O(1) amortised.
    mutating func insert(_ entry: MemoryEntry) -> UInt32 {
        count += 1
        guard hasFreeSlot else {
            reserveOne()
            entries.append(entry)
            return UInt32(entries.count - 1)
        }
        let slot = firstFree
        firstFree = entries[Int(slot)].queueNext
        entries[Int(slot)] = entry
        return slot
    }

    /// Frees a slot and returns its bytes, so that the caller can release them at a convenient time.
    mutating func remove(_ slot: UInt32) -> [UInt8] {
        var freed = MemoryEntry()
        freed.queueNext = firstFree
        firstFree = slot
        count -= 1
        swap(&freed, &entries[Int(slot)])
        return freed.storage
    }

    /// Releases all memory.
    mutating func removeAllSlots() {
        precondition(count == 0)
        self = EntrySlab()
    }

    private mutating func reserveOne() {
        guard entries.count == entries.capacity else { return }
        entries.reserveCapacity(max(Self.initialCapacity, entries.count + entries.count / 4))
    }
}

/// One entry of a shard, 48 bytes: its key and value, its deadline, and the links of the lists it is in.
///
/// The links are 32-bit indices into the slab rather than references: half the size, no reference counting, no allocation.
struct MemoryEntry: Sendable {
    /// The end of a list.
    static let none = UInt32.max
    /// The deadline of an entry that never expires.
    static let never = Int64.max

    enum Queue: UInt8 {
        /// Unused: `queueNext` links the free list.
        case free
        /// In use, but in no queue while its value is being replaced.
        case detached
        case small
        case main
    }

    /// The key followed by the value. Never modified, so that a reader may keep it after releasing the lock.
    var storage: [UInt8] = []
    /// The time on the caller's clock, in milliseconds, at which the entry expires.
    var deadline = never
    var tag: UInt32 = 0
    var keyCount: UInt32 = 0
    var queuePrevious = none
    var queueNext = none
    var timerPrevious = none
    var timerNext = none
    /// Bucket of the timer wheel, or `TimerWheel.unscheduled`.
    var timerBucket = TimerWheel.unscheduled
    var frequency: UInt8 = 0
    var queue = Queue.free

    var storageBytes: Int { MemoryFootprint.storageBytes(storage.count) }

    @inline(__always)
    func hasKey(_ key: Span<UInt8>) -> Bool {
        guard Int(keyCount) == key.count else { return false }
        return storage.withUnsafeBytes { stored in
            key.withUnsafeBytes { stored.startsIdentically(with: $0) }
        }
    }

    func withKey<R>(_ body: (Span<UInt8>) -> R) -> R {
        body(storage.span.extracting(first: Int(keyCount)))
    }
}

extension UnsafeRawBufferPointer {
    /// Whether the bytes begin with `prefix`, which must not be longer; compares a word at a time. O(prefix length).
    @inline(__always)
    func startsIdentically(with prefix: UnsafeRawBufferPointer) -> Bool {
        let count = prefix.count
        precondition(count <= self.count)
        var offset = 0
        while offset + 8 <= count {
            let (left, right) = (
                loadUnaligned(fromByteOffset: offset, as: UInt64.self), prefix.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            )
            if left != right { return false }
            offset += 8
        }
        while offset < count {
            if self[offset] != prefix[offset] { return false }
            offset += 1
        }
        return true
    }
}
