import NIOCore

/// Why bytes that begin like an envelope are none that this program can read.
package enum EnvelopeFault: Error, Sendable, Hashable {
    /// A later program has written it.
    case unknownVersion(UInt8)
    /// Cut off, or not as the layout has it.
    case malformed
}

extension Envelope {
    /// The versions that are kept for envelopes. What begins with the same byte and another one after it is somebody else's data, such as a picture.
    private static let versions: ClosedRange<UInt8> = 1...15

    /// Whether the bytes are an envelope, readable or not. One comparison for text, which never begins so.
    static func begins(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.first == self.lead else { return false }
        return bytes.count > 1 && self.versions.contains(bytes[1])
    }

    /// Reads an envelope, of which there is exactly one spelling. O(parts).
    ///
    /// - Parameter bytes: for which `begins` is true.
    /// - Returns: the envelope, and where the bytes of the value begin.
    static func read(_ bytes: UnsafeRawBufferPointer) throws(EnvelopeFault) -> (envelope: Envelope, payloadStart: Int) {
        guard bytes[1] == self.version else { throw .unknownVersion(bytes[1]) }
        guard bytes.count >= self.fixedCount, let form = Form(rawValue: bytes[2]) else { throw .malformed }
        let partsCount = Int(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 3, as: UInt32.self)))
        guard partsCount <= bytes.count - self.fixedCount else { throw .malformed }
        let payloadStart = self.fixedCount + partsCount
        var parts = PartCursor(bytes, self.fixedCount..<payloadStart)
        var envelope = Envelope(form: form)
        while let part = try parts.next() { try envelope.take(part) }
        guard envelope.isConsistent(payloadCount: bytes.count - payloadStart) else { throw .malformed }
        return (envelope, payloadStart)
    }

    private mutating func take(_ part: PartCursor.Found) throws(EnvelopeFault) {
        switch part.kind {
        case .mediaType: self.mediaType = try part.text()
        case .contentEncoding: self.contentEncoding = try part.text()
        case .stale:
            guard part.bytes.count == 8 else { throw .malformed }
            self.staleSeconds = Int64(bigEndian: part.bytes.loadUnaligned(as: Int64.self))
            guard 1...Self.maximumStaleSeconds ~= self.staleSeconds else { throw .malformed }
        case .tag:
            let tag = try part.tag()
            guard tag.name.readableBytes > 0, self.tags.count < Self.maximumTags else { throw .malformed }
            self.tags.append(tag)
        case .lease:
            guard part.bytes.count == 32 else { throw .malformed }
            let token = UInt128(bigEndian: part.bytes.loadUnaligned(as: UInt128.self))
            let end = Int64(bigEndian: part.bytes.loadUnaligned(fromByteOffset: 16, as: Int64.self))
            let valueEnd = Int64(bigEndian: part.bytes.loadUnaligned(fromByteOffset: 24, as: Int64.self))
            guard end >= 0, valueEnd >= 0 else { throw .malformed }
            self.lease = Lease(token: LeaseToken(bits: token), endMilliseconds: end, valueEndMilliseconds: valueEnd)
        case .leaseTag:
            guard let count = self.lease?.versions.count, count < Self.maximumLeaseTags else { throw .malformed }
            self.lease?.versions.append(try part.tag())
        }
    }

    private func isConsistent(payloadCount: Int) -> Bool {
        switch self.form {
        case .value: true
        case .placeholder: payloadCount == 0 && self.lease != nil && self.isBare
        case .tagVersion: payloadCount == 16 && self.lease == nil && self.isBare
        }
    }

    /// Nothing but a form and perhaps a lease.
    private var isBare: Bool { self.mediaType == nil && self.contentEncoding == nil && self.staleSeconds == 0 && self.tags.isEmpty }
}

/// Goes through the parts of an envelope. Each kind may stand once, tags several times, in the order of their numbers.
private struct PartCursor {
    struct Found {
        let kind: Envelope.Part
        let bytes: UnsafeRawBufferPointer

        /// Text that may become the value of a header field.
        func text() throws(EnvelopeFault) -> ByteBuffer {
            guard !self.bytes.isEmpty, self.bytes.allSatisfy({ 0x20...0x7E ~= $0 }) else { throw .malformed }
            return ByteBuffer(bytes: self.bytes)
        }

        func tag() throws(EnvelopeFault) -> VersionedTag {
            guard self.bytes.count >= 16 else { throw .malformed }
            let version = UInt128(bigEndian: self.bytes.loadUnaligned(as: UInt128.self))
            return VersionedTag(name: ByteBuffer(bytes: self.bytes.dropFirst(16)), version: TagVersion(bits: version))
        }
    }

    private let bytes: UnsafeRawBufferPointer
    private var rest: Range<Int>
    private var last: UInt8 = 0

    init(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) {
        self.bytes = bytes
        self.rest = range
    }

    /// - Returns: nil at the end.
    mutating func next() throws(EnvelopeFault) -> Found? {
        guard !self.rest.isEmpty else { return nil }
        guard self.rest.count >= 3, let kind = Envelope.Part(rawValue: self.bytes[self.rest.lowerBound]) else { throw .malformed }
        let mayRepeat = kind == .tag || kind == .leaseTag
        guard kind.rawValue > self.last || (mayRepeat && kind.rawValue == self.last) else { throw .malformed }
        self.last = kind.rawValue
        let count = Int(UInt16(bigEndian: self.bytes.loadUnaligned(fromByteOffset: self.rest.lowerBound + 1, as: UInt16.self)))
        let start = self.rest.lowerBound + 3
        guard count <= self.rest.upperBound - start else { throw .malformed }
        self.rest = (start + count)..<self.rest.upperBound
        return Found(kind: kind, bytes: UnsafeRawBufferPointer(rebasing: self.bytes[start..<(start + count)]))
    }
}
