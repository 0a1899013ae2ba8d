/// All entries of a shard in chunks of 128, addressed by their index ("slot").
///
/// An entry never moves to another slot, which is what a walk relies on (see ``MemoryCursor``) and lets lists and the index refer to it with 32 bits.
/// Nor does it move in memory: the slab grows by a chunk, which copies no entry and leaves fewer than 128 slots unused. Free slots are linked and
/// reused first. The slab shrinks only if `removeAllSlots` is called while it is empty.
///
/// The chunks are memory of the slab's own: an access costs no uniqueness check, and memory that no slot has used yet is not touched. Invariant: the
/// slots below `slotCount`, and only they, are initialised; every access checks its slot against that.
struct EntrySlab: ~Copyable {
    private static let chunkShift = 7
    private static let slotsPerChunk = 1 << chunkShift

    private(set) var count = 0
    /// The number of slots, used and free.
    private(set) var slotCount = 0
    private var firstFree = MemoryEntry.none
    private var chunks: ContiguousArray<UnsafeMutablePointer<MemoryEntry>> = []

    deinit {
        for (number, chunk) in chunks.enumerated() {
            chunk.deinitialize(count: min(slotCount - number << Self.chunkShift, Self.slotsPerChunk))
            chunk.deallocate()
        }
    }

    /// What the slab takes of the allocator, in bytes.
    var byteCount: Int {
        chunks.count * (Self.slotsPerChunk * MemoryLayout<MemoryEntry>.stride + 16) + chunks.capacity * MemoryLayout<Int>.stride
    }

    var hasFreeSlot: Bool { firstFree != MemoryEntry.none }

    /// The entry of a slot, used or free. O(1).
    subscript(slot: UInt32) -> MemoryEntry {
        @inline(__always) _read { yield address(of: slot).pointee }
        @inline(__always) _modify { yield &address(of: slot).pointee }
    }

    @inline(__always)
    private func address(of slot: UInt32) -> UnsafeMutablePointer<MemoryEntry> {
        precondition(Int(slot) < slotCount)
        return chunks[Int(slot >> Self.chunkShift)] + Int(slot) & (Self.slotsPerChunk - 1)
    }

    /// Puts an entry into a free slot, growing if there is none. O(1) apart from the list of chunks, which doubles.
    mutating func insert(_ entry: consuming MemoryEntry) -> UInt32 {
        count += 1
        let slot: UInt32
        if hasFreeSlot {
            slot = firstFree
            firstFree = self[slot].queueNext
            self[slot] = entry
        } else {
            slot = UInt32(slotCount)
            if slotCount & (Self.slotsPerChunk - 1) == 0 { chunks.append(.allocate(capacity: Self.slotsPerChunk)) }
            slotCount += 1
            address(of: slot).initialize(to: entry)
        }
        return slot
    }

    /// Frees a slot and returns its bytes, so that the caller can release them at a convenient time.
    mutating func remove(_ slot: UInt32) -> EntryStorage? {
        var freed = MemoryEntry()
        freed.queueNext = firstFree
        firstFree = slot
        count -= 1
        swap(&freed, &self[slot])
        return freed.storage
    }

    /// Releases all memory.
    mutating func removeAllSlots() {
        precondition(count == 0)
        self = EntrySlab()
    }
}

/// One entry of a shard, 40 bytes: its key and value, its deadline, and the links of the lists it is in.
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

    /// The key and the value; nil if the slot is free.
    var storage: EntryStorage?
    /// The time on the caller's clock, in milliseconds, at which the entry expires.
    var deadline = never
    var tag: UInt32 = 0
    var queuePrevious = none
    var queueNext = none
    var timerPrevious = none
    var timerNext = none
    /// Bucket of the timer wheel, or `TimerWheel.unscheduled`.
    var timerBucket = TimerWheel.unscheduled
    var frequency: UInt8 = 0
    var queue = Queue.free

    /// What is charged for the key and the value.
    var storageBytes: Int {
        storage.map { MemoryFootprint.storageBytes($0.count) } ?? 0
    }

    @inline(__always)
    func hasKey(_ key: Span<UInt8>) -> Bool {
        storage?.hasKey(key) ?? false
    }
}
