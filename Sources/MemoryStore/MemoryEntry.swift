/// One entry of a shard, 48 bytes: its bytes, its deadline, and the links of the lists it is in.
///
/// The links are indices of 32 bits into the slab rather than references: half the size, no reference counting, no allocation.
struct MemoryEntry: Sendable {
    /// A link that leads nowhere.
    static let none = UInt32.max
    /// The deadline of an entry that does not expire.
    static let never = Int64.max

    enum Queue: UInt8 {
        /// Not in use: `queueNext` links the free list.
        case free
        /// In use, but taken out of its queue while it is being replaced.
        case detached
        case small
        case main
    }

    /// Key, then value. Never modified, so that a reader may hold it without the lock.
    var storage: [UInt8] = []
    /// Milliseconds on the caller's clock from which on the entry has expired.
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
