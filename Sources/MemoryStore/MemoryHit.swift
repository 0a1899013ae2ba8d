/// A value that was found: a reference to the entry's immutable bytes, which stay valid and unchanged however the store goes on. Nothing is copied.
package struct MemoryHit: Sendable {
    private let storage: [UInt8]
    private let keyCount: Int
    private let deadline: Int64

    init(_ entry: MemoryEntry) {
        storage = entry.storage
        keyCount = Int(entry.keyCount)
        deadline = entry.deadline
    }

    /// Length of the value in bytes.
    package var valueCount: Int { storage.count - keyCount }

    /// When the value expires; nil if it does not.
    package var expiresAt: MonotonicTime? {
        deadline == MemoryEntry.never ? nil : MonotonicTime(milliseconds: deadline)
    }

    /// Lends the value's bytes for the time of the call. O(1) besides `body`.
    package func withValueBytes<R, Failure: Error>(_ body: (UnsafeRawBufferPointer) throws(Failure) -> R) throws(Failure) -> R {
        try storage.span.extracting(keyCount..<storage.count).withUnsafeBytes(body)
    }

    /// Lends the value as a span for the time of the call. O(1) besides `body`.
    package func withValue<R, Failure: Error>(_ body: (Span<UInt8>) throws(Failure) -> R) throws(Failure) -> R {
        try body(storage.span.extracting(keyCount..<storage.count))
    }
}
