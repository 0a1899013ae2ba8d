package import Bytes
package import HTTPTypes
package import NIOCore
import OperatingSystem

/// The names of the fields that answers carry.
package enum AnswerFieldName: Int, CaseIterable {
    case contentType, contentLength, cacheStatus, cacheDegraded, cacheControl, allow, acceptEncoding, challenge, retryAfter, vary, requestID,
        processTime, date
    /// Of values that need more than their text.
    case cacheStale, cacheLease
    case entityTag, contentEncoding, acceptRanges
    /// Of pages and what belongs to them.
    case contentSecurityPolicy, contentTypeOptions, referrerPolicy

    /// The name with its colon and space, as it stands in the bytes.
    var line: StaticString {
        switch self {
        case .contentType: "Content-Type: "
        case .contentLength: "Content-Length: "
        case .cacheStatus: "Cache-Status: "
        case .cacheDegraded: "X-Cache-Degraded: "
        case .cacheStale: "X-Cache-Stale: "
        case .entityTag: "ETag: "
        case .contentEncoding: "Content-Encoding: "
        case .acceptRanges: "Accept-Ranges: "
        case .cacheLease: "Cache-Lease: "
        case .allow: "Allow: "
        case .acceptEncoding: "Accept-Encoding: "
        case .challenge: "WWW-Authenticate: "
        case .retryAfter: "Retry-After: "
        case .vary: "Vary: "
        case .requestID: "X-Request-Id: "
        case .processTime: "X-Process-Time: "
        case .date: "Date: "
        case .cacheControl: "Cache-Control: "
        case .contentSecurityPolicy: "Content-Security-Policy: "
        case .contentTypeOptions: "X-Content-Type-Options: "
        case .referrerPolicy: "Referrer-Policy: "
        }
    }

    /// The name for a field collection.
    package var fieldName: HTTPField.Name {
        switch self {
        case .contentType: .contentType
        case .contentLength: .contentLength
        case .cacheStatus: Self.cacheStatusName
        case .cacheDegraded: Self.cacheDegradedName
        case .cacheStale: Self.cacheStaleName
        case .entityTag: .eTag
        case .contentEncoding: .contentEncoding
        case .acceptRanges: .acceptRanges
        case .cacheLease: Self.cacheLeaseName
        case .allow: .allow
        case .acceptEncoding: .acceptEncoding
        case .challenge: .wwwAuthenticate
        case .retryAfter: .retryAfter
        case .vary: .vary
        case .requestID: Self.requestIDName
        case .processTime: Self.processTimeName
        case .date: .date
        case .cacheControl: .cacheControl
        case .contentSecurityPolicy: .contentSecurityPolicy
        case .contentTypeOptions: .xContentTypeOptions
        case .referrerPolicy: Self.referrerPolicyName
        }
    }

    /// The name in lower case, as HTTP/2 has it.
    package var listName: String { self.fieldName.canonicalName }

    private static let referrerPolicyName = Self.name("Referrer-Policy")
    private static let cacheStatusName = Self.name("Cache-Status")
    private static let cacheDegradedName = Self.name("X-Cache-Degraded")
    package static let cacheLeaseName = Self.name("Cache-Lease")
    private static let cacheStaleName = Self.name("X-Cache-Stale")
    private static let processTimeName = Self.name("X-Process-Time")
    package static let apiKeyName = Self.name("X-API-Key")
    package static let requestIDName = Self.name("X-Request-Id")

    package static func name(_ text: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(text) else { preconditionFailure("\(text) is not a field name") }
        return name
    }
}

/// Takes the fields of an answer's head: as bytes of HTTP/1.1 or as a field collection.
package protocol AnswerFieldSink {
    mutating func field(_ name: AnswerFieldName, _ writeValue: (inout ByteCursor) -> Void)
}

/// Writes the fields of an answer as bytes of HTTP/1.1.
struct ByteFieldSink: AnswerFieldSink {
    var cursor: ByteCursor

    mutating func field(_ name: AnswerFieldName, _ writeValue: (inout ByteCursor) -> Void) {
        self.cursor.append(name.line)
        writeValue(&self.cursor)
        self.cursor.append("\r\n")
    }
}

extension Answer {
    /// Appends the whole answer.
    /// - Parameter isHeadOnly: the request was `HEAD`.
    package func write(_ trailer: AnswerTrailer, closing: Bool, isHeadOnly: Bool = false, into buffer: inout ByteBuffer) {
        let bodyCount = self.body.count
        buffer.append(maximumCount: self.maximumHeadCount + bodyCount) { cursor in
            self.writeStatusLine(into: &cursor)
            var sink = ByteFieldSink(cursor: cursor)
            self.writeFields(trailer, bodyCount: bodyCount, to: &sink)
            cursor = sink.cursor
            if closing { cursor.append("Connection: close\r\n") }
            cursor.append("\r\n")
            if !isHeadOnly { self.body.write(into: &cursor) }
        }
    }

    /// Appends the head of an answer whose body follows in pieces.
    package func writeHead(_ trailer: AnswerTrailer, closing: Bool, into buffer: inout ByteBuffer) {
        self.write(trailer, closing: closing, isHeadOnly: true, into: &buffer)
    }

    private func writeStatusLine(into cursor: inout ByteCursor) {
        if self.status == .ok {
            cursor.append("HTTP/1.1 200 OK\r\n")
            return
        }
        cursor.append("HTTP/1.1 ")
        cursor.appendDecimal(self.status.rawValue)
        cursor.append(" ")
        cursor.append(self.status.reason)
        cursor.append("\r\n")
    }
}

/// The value of the `Date` field, rendered again at most four times a second: rendering costs more than the rest of a small head.
package struct DateField {
    /// `Sun, 06 Nov 1994 08:49:37 GMT`
    package typealias Text = InlineArray<29, UInt8>

    private static let refreshInterval = 250_000_000

    private var rendered = Text(repeating: UInt8(ascii: " "))
    private var refreshAt = Int.min

    package init() {}

    /// The value at `now`, nanoseconds of the monotonic clock. It lags the time of day by at most a quarter of a second.
    package mutating func value(now: Int) -> Text {
        if now >= self.refreshAt {
            withUnsafeMutableBytes(of: &self.rendered) { memory in
                var cursor = ByteCursor(memory)
                CivilTime(secondsSince1970: WallClock.now().seconds).writeHTTPDate(into: &cursor)
            }
            self.refreshAt = now + Self.refreshInterval
        }
        return self.rendered
    }
}
