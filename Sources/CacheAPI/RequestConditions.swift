import Bytes
package import NIOCore

/// What a request expects of the value that there is (RFC 9110, section 13): the values of its one `If-Match` and of its one `If-None-Match`.
package struct RequestConditions: Equatable, Sendable {
    /// nil if the request has no such field.
    package var ifMatch: ByteBuffer?
    package var ifNoneMatch: ByteBuffer?

    package init(ifMatch: ByteBuffer? = nil, ifNoneMatch: ByteBuffer? = nil) {
        self.ifMatch = ifMatch
        self.ifNoneMatch = ifNoneMatch
    }

    package var isEmpty: Bool { self.ifMatch == nil && self.ifNoneMatch == nil }

    /// What follows for a read or a change.
    package enum Verdict {
        case met
        /// `If-Match` is not met: 412.
        case failed
        /// `If-None-Match` is not met: 304 for a read, 412 for a change.
        case matched
    }

    /// - Parameters:
    ///   - tag: of the value; nil if there is none.
    ///   - isChange: whether the value is to be changed. A change is not made because of an `If-None-Match` that cannot be read, while a read is answered
    ///     with the value.
    package func verdict(_ tag: EntityTag?, isChange: Bool = false) -> Verdict {
        if let ifMatch, !(tag.map { EntityTagList(ifMatch).contains($0, isWeak: false) } ?? false) { return .failed }
        if let ifNoneMatch, let tag, EntityTagList(ifNoneMatch).contains(tag, isWeak: true, countsMalformed: isChange) { return .matched }
        return .met
    }
}

/// The value of `If-Match` or `If-None-Match`: `*`, or entity tags separated by commas. What is malformed names no tag, nor does what follows it.
struct EntityTagList {
    private let text: ByteBuffer

    init(_ text: ByteBuffer) {
        self.text = text
    }

    /// Whether the list names a tag; `*` names every one.
    /// - Parameters:
    ///   - isWeak: whether weak tags count (RFC 9110, section 8.8.3.2).
    ///   - countsMalformed: whether what is malformed names every tag.
    /// - Complexity: O(bytes), without an allocation.
    func contains(_ tag: EntityTag, isWeak: Bool, countsMalformed: Bool = false) -> Bool {
        withUnsafeTemporaryAllocation(byteCount: EntityTag.count, alignment: 1) { memory in
            var cursor = ByteCursor(memory)
            tag.write(into: &cursor)
            let wanted = cursor.written
            return self.text.withUnsafeReadableBytes { Self.contains(wanted, $0, isWeak: isWeak, countsMalformed) }
        }
    }

    private static func contains(
        _ wanted: UnsafeRawBufferPointer, _ bytes: UnsafeRawBufferPointer, isWeak: Bool, _ countsMalformed: Bool
    ) -> Bool {
        // What clients send is mostly the tag that they were given.
        if Self.isTag(bytes, wanted) { return true }
        var scan = EntityTagScan(bytes)
        if scan.isAny { return true }
        while let found = scan.next() {
            if isWeak || !found.isWeak, Self.isTag(UnsafeRawBufferPointer(rebasing: bytes[found.range]), wanted) { return true }
        }
        return countsMalformed && scan.isMalformed
    }

    /// Whether bytes are those of the tag, by words: of the last two, the one reaches into the other.
    private static func isTag(_ bytes: UnsafeRawBufferPointer, _ wanted: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count == EntityTag.count, wanted.count == EntityTag.count else { return false }
        func difference(at offset: Int) -> UInt64 {
            bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self) ^ wanted.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        }
        return difference(at: 0) | difference(at: 8) | difference(at: 16) | difference(at: 24) | difference(at: EntityTag.count - 8) == 0
    }
}

/// A cursor over a list of entity tags: `[ "W/" ] DQUOTE *etagc DQUOTE`.
private struct EntityTagScan {
    private let bytes: UnsafeRawBufferPointer
    private var offset = 0
    /// What stands where a tag should is none.
    private(set) var isMalformed = false

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    var isAny: Bool {
        var start = 0
        var end = self.bytes.count
        while start < end, ByteClass.isBlank(self.bytes[start]) { start += 1 }
        while end > start, ByteClass.isBlank(self.bytes[end - 1]) { end -= 1 }
        return end - start == 1 && self.bytes[start] == UInt8(ascii: "*")
    }

    /// The next tag, with its quotes; nil at the end, and at what is none.
    mutating func next() -> (range: Range<Int>, isWeak: Bool)? {
        // A list may have empty elements (RFC 9110, section 5.6.1).
        while self.offset < self.bytes.count, ByteClass.isBlank(self.bytes[self.offset]) || self.isAt(UInt8(ascii: ",")) { self.offset += 1 }
        guard self.offset < self.bytes.count else { return nil }
        let found = self.tag()
        self.isMalformed = found == nil
        return found
    }

    private mutating func tag() -> (range: Range<Int>, isWeak: Bool)? {
        var isWeak = false
        if self.isAt(UInt8(ascii: "W")), self.offset + 1 < self.bytes.count, self.bytes[self.offset + 1] == UInt8(ascii: "/") {
            isWeak = true
            self.offset += 2
        }
        guard self.isAt(UInt8(ascii: "\"")) else { return nil }
        let start = self.offset
        self.offset += 1
        while self.offset < self.bytes.count, self.bytes[self.offset] != UInt8(ascii: "\"") { self.offset += 1 }
        guard self.offset < self.bytes.count else { return nil }
        self.offset += 1
        let range = start..<self.offset
        while self.offset < self.bytes.count, ByteClass.isBlank(self.bytes[self.offset]) { self.offset += 1 }
        guard self.offset == self.bytes.count || self.isAt(UInt8(ascii: ",")) else { return nil }
        return (range, isWeak)
    }

    private func isAt(_ byte: UInt8) -> Bool { self.offset < self.bytes.count && self.bytes[self.offset] == byte }
}
