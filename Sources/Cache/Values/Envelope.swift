package import NIOCore

/// What a stored value says of itself besides its bytes: `docs/stored-values.md` has the layout.
///
/// JSON text that needs nothing else is never wrapped. So every other client of Redis reads what it has always read.
package struct Envelope: Sendable, Equatable {
    /// What the envelope is about.
    package enum Form: UInt8, Sendable {
        /// The bytes are a value.
        case value = 1
        /// There is no value yet: somebody computes it, and has the lease. Readers take it for an absence.
        case placeholder = 2
        /// The version of a tag, at a key that no client can name.
        case tagVersion = 3
    }

    package var form = Form.value
    /// Printable ASCII; nil for `application/json`.
    package var mediaType: ByteBuffer?
    /// Printable ASCII; nil for none.
    package var contentEncoding: ByteBuffer?
    /// How long before the end of its time to live the value begins to be stale, in seconds: 0 to `maximumStaleSeconds`.
    package var staleSeconds: Int64 = 0
    /// The tags of the value, with the versions that they had when it was asked for; at most `maximumTags`.
    package var tags: [VersionedTag] = []
    /// Who computes the next value; nil if nobody does.
    package var lease: Lease?

    package static let maximumTags = 16
    /// What a lease remembers: a version for each tag, and that of all tags.
    package static let maximumLeaseTags = 17
    package static let maximumStaleSeconds: Int64 = .max / 2000

    package init(form: Form = .value, lease: Lease? = nil) {
        self.form = form
        self.lease = lease
    }

    /// The lease of a key that has no value.
    package static func placeholder(_ lease: Lease) -> Envelope { Envelope(form: .placeholder, lease: lease) }

    /// Whether an envelope is needed at all.
    package var isPlain: Bool { self == Envelope() }
}

/// A tag with a version of it.
package struct VersionedTag: Sendable, Hashable {
    /// UTF-8, as long as a key at most. Empty: all tags together, which only a lease remembers.
    package let name: ByteBuffer
    package let version: TagVersion

    package init(name: ByteBuffer, version: TagVersion) {
        self.name = name
        self.version = version
    }

    /// The key at which the version of now is.
    package var versionKey: ByteBuffer { TagVersion.key(of: self.name) }
}

/// Random, so that no two instances ever give the same one, whatever became of the versions before.
package struct TagVersion: Sendable, Hashable {
    package let bits: UInt128

    package init(bits: UInt128) { self.bits = bits }

    package static func random() -> TagVersion { TagVersion(bits: .random(in: .min ... .max)) }

    /// How long a version lives at least, in milliseconds.
    static let shortestLife: Int64 = 86_400_000

    /// How long a version is to live that a value of so long a life remembers. Twice as long, so that it is not prolonged for each of many values.
    static func life(forValueOf milliseconds: Int64) -> Int64 { max(self.shortestLife, milliseconds < .max / 4 ? milliseconds * 2 : milliseconds) }

    /// What the keys of tags begin with; no client can name them.
    package static let keyPrefix: StaticString = "redis-caching-agent:tag:"

    /// The key of the version of a tag.
    package static func key(of tag: ByteBuffer) -> ByteBuffer {
        var key = ByteBuffer()
        key.reserveCapacity(self.keyPrefix.utf8CodeUnitCount + tag.readableBytes)
        key.writeStaticString(self.keyPrefix)
        key.writeImmutableBuffer(tag)
        return key
    }

    /// Whether a key is that of a version.
    package static func isKey(_ key: ByteBuffer) -> Bool {
        let count = self.keyPrefix.utf8CodeUnitCount
        guard key.readableBytes >= count else { return false }
        return key.withUnsafeReadableBytes { bytes in
            UnsafeRawBufferPointer(rebasing: bytes[..<count]).elementsEqual(
                UnsafeRawBufferPointer(start: self.keyPrefix.utf8Start, count: count))
        }
    }

    /// What is stored at the key of the tag.
    package var stored: ByteBuffer { Envelope(form: .tagVersion).wrap(ByteBuffer(integer: self.bits)) }
}

/// The right to compute the next value of a key.
package struct Lease: Sendable, Equatable {
    package let token: LeaseToken
    /// What remains of the time to live of the key when the lease is over, in milliseconds; 0 if the lease ends with the key. It needs no clock: Redis
    /// says what remains.
    package var endMilliseconds: Int64
    /// What remains when the value beside the lease is over, in milliseconds; 0 if it ends with the key. A lease may last longer than the stale value that
    /// it is about.
    package var valueEndMilliseconds: Int64
    /// The versions of tags when the lease was given: those of the tags that were known, and under the empty name that of all tags.
    package var versions: [VersionedTag]

    package init(token: LeaseToken, endMilliseconds: Int64 = 0, valueEndMilliseconds: Int64 = 0, versions: [VersionedTag] = []) {
        self.token = token
        self.endMilliseconds = endMilliseconds
        self.valueEndMilliseconds = valueEndMilliseconds
        self.versions = versions
    }
}

/// Proves who holds a lease: 128 bits that nobody can guess.
package struct LeaseToken: Sendable, Hashable {
    package let bits: UInt128

    package init(bits: UInt128) { self.bits = bits }

    /// From the generator of the system, which is fit for cryptography.
    package static func random() -> LeaseToken { LeaseToken(bits: .random(in: .min ... .max)) }
}

// MARK: Writing

extension Envelope {
    static let lead: UInt8 = 0xFF
    static let version: UInt8 = 1
    /// Lead, version, form, length of the parts.
    static let fixedCount = 7

    /// The kinds of parts, in the order in which they stand.
    enum Part: UInt8 {
        case mediaType = 1
        case contentEncoding = 2
        case stale = 3
        case tag = 4
        case lease = 5
        case leaseTag = 6
    }

    /// The bytes that are stored: the envelope, then those of the value. O(bytes).
    package func wrap(_ payload: ByteBuffer) -> ByteBuffer {
        var bytes = ByteBuffer()
        bytes.reserveCapacity(Self.fixedCount + self.partsCount + payload.readableBytes)
        bytes.writeInteger(Self.lead)
        bytes.writeInteger(Self.version)
        bytes.writeInteger(self.form.rawValue)
        bytes.writeInteger(UInt32(self.partsCount))
        if let mediaType { bytes.writePart(.mediaType, mediaType) }
        if let contentEncoding { bytes.writePart(.contentEncoding, contentEncoding) }
        if self.staleSeconds > 0 { bytes.writePart(.stale, ByteBuffer(integer: self.staleSeconds)) }
        for tag in self.tags { bytes.writePart(.tag, tag.bytes) }
        if let lease {
            var part = ByteBuffer(integer: lease.token.bits)
            part.writeInteger(lease.endMilliseconds)
            part.writeInteger(lease.valueEndMilliseconds)
            bytes.writePart(.lease, part)
            for tag in lease.versions { bytes.writePart(.leaseTag, tag.bytes) }
        }
        bytes.writeImmutableBuffer(payload)
        return bytes
    }

    private static let partHeadCount = 3

    private var partsCount: Int {
        var count = 0
        if let mediaType { count += Self.partHeadCount + mediaType.readableBytes }
        if let contentEncoding { count += Self.partHeadCount + contentEncoding.readableBytes }
        if self.staleSeconds > 0 { count += Self.partHeadCount + 8 }
        for tag in self.tags { count += Self.partHeadCount + tag.byteCount }
        guard let lease else { return count }
        count += Self.partHeadCount + 32
        for tag in lease.versions { count += Self.partHeadCount + tag.byteCount }
        return count
    }
}

extension VersionedTag {
    fileprivate var byteCount: Int { 16 + self.name.readableBytes }

    fileprivate var bytes: ByteBuffer {
        var bytes = ByteBuffer(integer: self.version.bits)
        bytes.writeImmutableBuffer(self.name)
        return bytes
    }
}

extension ByteBuffer {
    /// - Parameter content: at most 65,535 bytes; what is longer than a key may be is refused long before.
    fileprivate mutating func writePart(_ part: Envelope.Part, _ content: ByteBuffer) {
        self.writeInteger(part.rawValue)
        self.writeInteger(UInt16(content.readableBytes))
        self.writeImmutableBuffer(content)
    }
}
