import Bytes
package import Cache
import NIOCore

/// What the bytes of a value are, as `/values/` says it.
package enum Representation: Sendable {
    /// JSON text, as `POST /cache` stores it.
    case json
    /// Text that another client has written into Redis.
    case text
    /// Other bytes that another client has written into Redis.
    case bytes
    /// What the value's envelope says.
    case stored(EnvelopedValue)

    /// - Returns: nil if an envelope says what no header field can.
    init?(_ value: CachedValue) {
        switch value {
        // This service has checked it before it stored or kept it.
        case .memory: self = .json
        case .buffer(let buffer): self = JSONText.isJSON(buffer) ? .json : UTF8Validator.isValid(buffer.readableBytesUInt8Span) ? .text : .bytes
        case .envelope(let enveloped):
            let (mediaType, coding) = (enveloped.envelope.mediaType, enveloped.envelope.contentEncoding)
            guard mediaType?.readableBytes ?? 0 <= MediaType.maximumBytes, coding?.readableBytes ?? 0 <= ContentCoding.maximumBytes else {
                return nil
            }
            self = .stored(enveloped)
        }
    }

    /// The longest that its fields add to the head of an answer, in bytes.
    static let maximumFieldCount = MediaType.maximumBytes + ContentCoding.maximumBytes + 256

    /// What is said of the bytes.
    func writeFields(to sink: inout some AnswerFieldSink) {
        sink.field(.contentType) { cursor in
            switch self {
            case .json: cursor.append("application/json")
            case .text: cursor.append("text/plain; charset=utf-8")
            case .bytes: cursor.append(MediaType.unknown)
            case .stored(let value):
                if let mediaType = value.envelope.mediaType { cursor.append(mediaType) } else { cursor.append("application/json") }
            }
        }
        if case .stored(let value) = self, let coding = value.envelope.contentEncoding {
            sink.field(.contentEncoding) { $0.append(coding) }
        }
    }

    /// Whoever may write decides what the bytes are, so that a browser must take them neither for something else nor for a page of this host.
    func writeProtection(to sink: inout some AnswerFieldSink) {
        sink.field(.acceptRanges) { $0.append("none") }
        sink.field(.contentSecurityPolicy) { $0.append("sandbox; default-src 'none'") }
        sink.field(.contentTypeOptions) { $0.append("nosniff") }
    }
}
