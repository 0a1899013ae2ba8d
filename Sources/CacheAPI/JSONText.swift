import Bytes
import Cache
import JSON
import NIOCore

/// Values as JSON, whoever wrote them.
enum JSONText {
    /// The value as it may stand in an answer; nil if it is not text.
    ///
    /// What this service stored is JSON. What other clients wrote into Redis may be anything: JSON goes out as it is, other UTF-8 as a JSON
    /// string, and never anything else, so that an answer is always well-formed. O(bytes) for values from Redis.
    static func readable(_ value: CachedValue, from source: CacheSource) -> CachedValue? {
        guard source == .redis, case .buffer(let bytes) = value else { return value }
        let text = bytes.readableBytesUInt8Span
        if self.isJSON(text) { return value }
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
