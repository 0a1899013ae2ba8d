import Bytes
import Cache
import JSON
package import NIOCore

/// Values as JSON, whoever wrote them.
package enum JSONText {
    /// The value as it may stand in an answer; nil if it is not text.
    ///
    /// What this service stored is JSON. What other clients wrote into Redis may be anything: JSON goes out as it is, other UTF-8 as a JSON
    /// string, and never anything else, so that an answer is always well-formed. What is in memory is JSON already: this service has checked it before
    /// it stored it, and copies of other values are not kept. O(bytes) for what Redis sent.
    static func readable(_ value: CachedValue) -> CachedValue? {
        switch value {
        case .memory: return value
        case .envelope(let value): return self.isJSON(value.envelope) ? self.readable(value.payload) : nil
        case .buffer: break
        }
        var readable: CachedValue? = value
        value.withBytes { bytes in
            let text = bytes.bindMemory(to: UInt8.self).span
            if !self.isJSON(text) { readable = self.quoted(text) }
        }
        return readable
    }

    /// Whether what is stored may be answered again without looking at it: JSON, or what an envelope says that it is something else.
    package static func isKeepable(_ stored: ByteBuffer) -> Bool {
        switch StoredValue(stored) {
        case .plain: self.isJSON(stored.readableBytesUInt8Span)
        case .unreadable: false
        case .enveloped(let value):
            value.envelope.form != .value || !self.isJSON(value.envelope) || self.isJSON(value.payload.buffer.readableBytesUInt8Span)
        }
    }

    /// Whether the bytes of an envelope should be JSON.
    private static func isJSON(_ envelope: Envelope) -> Bool { envelope.mediaType == nil && envelope.contentEncoding == nil }

    /// Whether the bytes are a JSON text.
    static func isJSON(_ bytes: ByteBuffer) -> Bool { self.isJSON(bytes.readableBytesUInt8Span) }

    private static func quoted(_ text: Span<UInt8>) -> CachedValue? {
        guard UTF8Validator.isValid(text) else { return nil }
        var quoted = ByteBuffer()
        JSONWriter.writeString(text, into: &quoted)
        return .buffer(quoted)
    }

    private static func isJSON(_ text: Span<UInt8>) -> Bool {
        do throws(JSONError) {
            try JSONScanner.validate(text, maximumDepth: JSONScanner.greatestMaximumDepth)
            return true
        } catch {
            return false
        }
    }
}
