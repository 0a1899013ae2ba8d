/// The key of an entry followed by its value, in one allocation. Immutable, so that a reader may keep it after releasing the lock.
///
/// The bytes follow the object's header and two lengths of 4 bytes, 24 bytes in all; an array has 32. `ManagedBufferPointer` is the way of the standard
/// library to put bytes behind an object, and it is used in this file alone. It requires a class without stored properties, which makes it
/// `Sendable` for the compiler too.
///
/// Invariant: nothing writes to the bytes after ``make(key:header:value:)`` has returned, and nobody else has the object before.
final class EntryStorage: Sendable {
    private struct Lengths {
        let key: UInt32
        let total: UInt32
    }

    private typealias Buffer = ManagedBufferPointer<Lengths, UInt8>

    /// The bytes of an object in front of its key.
    static let headerBytes = 24

    /// Only ``make(key:header:value:)`` can put bytes behind the object.
    private init() {}

    /// Copies a key, and a value that consists of two parts. One allocation. O(length).
    @inline(__always)
    static func make(key: Span<UInt8>, header: RawSpan, value: RawSpan) -> EntryStorage {
        let lengths = Lengths(key: UInt32(key.count), total: UInt32(key.count + header.byteCount + value.byteCount))
        let buffer = Buffer(bufferClass: EntryStorage.self, minimumCapacity: Int(lengths.total)) { _, _ in lengths }
        buffer.withUnsafeMutablePointerToElements { elements in
            let bytes = UnsafeMutableRawPointer(elements)
            key.withUnsafeBytes { bytes.copy($0, at: 0) }
            header.withUnsafeBytes { bytes.copy($0, at: key.count) }
            value.withUnsafeBytes { bytes.copy($0, at: key.count + header.byteCount) }
        }
        return unsafeDowncast(buffer.buffer, to: EntryStorage.self)
    }

    /// The length of key and value in bytes.
    var count: Int {
        @inline(__always) get { Int(lengths.total) }
    }

    /// The length of the key in bytes.
    var keyCount: Int {
        @inline(__always) get { Int(lengths.key) }
    }

    /// Calls `body` with a part of the key and the value that follows it.
    @inline(__always)
    func withBytes<R, Failure: Error>(
        _ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws(Failure) -> R
    ) throws(Failure) -> R {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        // The bytes are there as long as the object is.
        let bytes = Buffer(unsafeBufferObject: self).withUnsafeMutablePointerToElements {
            UnsafeRawBufferPointer(start: $0 + range.lowerBound, count: range.count)
        }
        defer { withExtendedLifetime(self) {} }
        return try body(bytes)
    }

    @inline(__always)
    func hasKey(_ key: Span<UInt8>) -> Bool {
        guard keyCount == key.count else { return false }
        return withBytes(0..<keyCount) { stored in key.withUnsafeBytes { stored.startsIdentically(with: $0) } }
    }

    func withKey<R>(_ body: (Span<UInt8>) -> R) -> R {
        withBytes(0..<keyCount) { body($0.bindMemory(to: UInt8.self).span) }
    }

    @inline(__always)
    private var lengths: Lengths {
        Buffer(unsafeBufferObject: self).withUnsafeMutablePointerToHeader { $0.pointee }
    }
}

extension UnsafeMutableRawPointer {
    @inline(__always)
    fileprivate func copy(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        guard let source = bytes.baseAddress else { return }
        (self + offset).copyMemory(from: source, byteCount: bytes.count)
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
