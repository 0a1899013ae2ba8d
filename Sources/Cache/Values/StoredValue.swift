import MemoryStore
package import NIOCore

/// What the bytes at a key are.
package enum StoredValue: Sendable {
    /// The value itself.
    case plain(CachedValue)
    case enveloped(EnvelopedValue)
    /// Bytes that begin like an envelope and are none that can be read: to be taken for an absence.
    case unreadable(EnvelopeFault)

    /// Looks at the first byte, and no further at a plain value.
    package init(_ stored: CachedValue) {
        var finding: Result<(envelope: Envelope, payloadStart: Int), EnvelopeFault>?
        stored.withBytes { bytes in
            guard Envelope.begins(bytes) else { return }
            do throws(EnvelopeFault) {
                finding = .success(try Envelope.read(bytes))
            } catch {
                finding = .failure(error)
            }
        }
        switch finding {
        case nil: self = .plain(stored)
        case .failure(let fault): self = .unreadable(fault)
        case .success(let (envelope, start)): self = .enveloped(EnvelopedValue(envelope, stored: stored, payloadStart: start))
        }
    }

    /// The same of bytes.
    package init(_ stored: ByteBuffer) { self.init(.buffer(stored)) }
}

/// A value that was read out of its envelope. The bytes are those that were stored: nothing is copied.
///
/// A class, so that a `CachedValue` that has none is as small as without it.
package final class EnvelopedValue: Sendable {
    package let envelope: Envelope
    /// Everything that is stored at the key, as a comparison with what is stored needs it.
    package let stored: CachedValue
    /// The bytes of the value, behind the envelope.
    package let payload: CachedValue

    init(_ envelope: Envelope, stored: CachedValue, payloadStart: Int) {
        self.envelope = envelope
        self.stored = stored
        self.payload = stored.droppingFirst(payloadStart)
    }

    /// Of the key of a tag: its version.
    package var tagVersion: TagVersion? {
        guard self.envelope.form == .tagVersion else { return nil }
        var bits: UInt128 = 0
        self.payload.withBytes { bits = UInt128(bigEndian: $0.loadUnaligned(as: UInt128.self)) }
        return TagVersion(bits: bits)
    }
}

extension CacheAnswer {
    /// Whether a reader must have the answer resolved: whether the bytes begin as those of an envelope do. One comparison.
    var isToBeResolved: Bool {
        @inline(__always) get {
            switch self {
            case .hit(.memory(let hit), _, _): hit.firstByte == Envelope.lead
            case .hit(.buffer(let buffer), _, _): buffer.readableBytes > 0 && buffer.readableBytesUInt8Span[0] == Envelope.lead
            case .hit(.envelope, _, _), .miss, .stored, .deleted, .refused, .conflict, .unavailable: false
            }
        }
    }
}

extension CachedValue {
    /// The same bytes without the first ones, of which there must be so many. O(1).
    fileprivate func droppingFirst(_ count: Int) -> CachedValue {
        switch self {
        case .memory(var hit):
            hit.removeHeader(count) { _ in }
            return .memory(hit)
        case .buffer(var buffer):
            buffer.moveReaderIndex(forwardBy: count)
            return .buffer(buffer)
        case .envelope(let value):
            return value.payload.droppingFirst(count)
        }
    }

    /// A copy of the bytes; for a value of Redis, the same bytes.
    package var buffer: ByteBuffer {
        switch self {
        case .buffer(let buffer): return buffer
        case .memory, .envelope:
            var copy = ByteBuffer()
            self.withBytes { _ = copy.writeBytes($0) }
            return copy
        }
    }
}
