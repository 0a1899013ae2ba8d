import Bytes
package import Cache
package import NIOCore

/// The entity tag of a value (RFC 9110, section 8.8.3): strong, and the same on every instance and for every store.
///
/// It is a hash of the bytes, and of the media type and content coding if the value has others than JSON as it is. The hash is quick enough to be made
/// for each answer, and no proof against somebody who looks for two values with the same tag: a change that depends on a tag compares the bytes
/// themselves once more.
package struct EntityTag: Hashable, Sendable {
    private let digest: MurmurHash3.Digest

    /// The tag of a value as a reader gets it. O(bytes).
    package init(_ value: borrowing CachedValue) { self.init(value, seed: value.tagSeed) }

    /// The tag of bytes that are about to be stored in an envelope, or without one. O(bytes).
    package init(_ payload: ByteBuffer, in envelope: Envelope) { self.init(.buffer(payload), seed: Self.seed(envelope)) }

    private init(_ value: borrowing CachedValue, seed: UInt64) {
        var digest = MurmurHash3.Digest(high: 0, low: 0)
        value.withBytes { digest = MurmurHash3.hash($0.bytes, seed: seed) }
        self.digest = digest
    }

    /// 0 for JSON as it is. What else an envelope says is not part of the representation.
    fileprivate static func seed(_ envelope: Envelope) -> UInt64 {
        guard envelope.mediaType != nil || envelope.contentEncoding != nil else { return 0 }
        var text = envelope.mediaType ?? ByteBuffer()
        // No media type has a line end.
        text.writeStaticString("\n")
        if let coding = envelope.contentEncoding { text.writeImmutableBuffer(coding) }
        return MurmurHash3.hash(text.readableBytesSpan).low
    }

    static let digitCount = 32
    /// Length in bytes of what `write` appends.
    static let count = Self.digitCount + 2

    /// Appends the tag: 32 digits in quotes.
    func write(into cursor: inout ByteCursor) {
        cursor.append(UInt8(ascii: "\""))
        self.writeDigits(into: &cursor)
        cursor.append(UInt8(ascii: "\""))
    }

    /// Appends the digits of the tag: `digitCount` bytes.
    func writeDigits(into cursor: inout ByteCursor) {
        cursor.appendHexadecimal(self.digest.high)
        cursor.appendHexadecimal(self.digest.low)
    }

    /// The tag as it stands in a field.
    package var text: String { String(maximumByteCount: Self.count) { self.write(into: &$0) } }
}

extension CachedValue {
    /// What else than the bytes makes the tag.
    fileprivate var tagSeed: UInt64 { if case .envelope(let value) = self { EntityTag.seed(value.envelope) } else { 0 } }
}
