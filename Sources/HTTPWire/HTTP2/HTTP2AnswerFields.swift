import Bytes
import CacheAPI
import NIOCore
import NIOHPACK
import NIOHTTP2

/// Collects the fields of answers as header lists, for the connections of one event loop.
///
/// Most values are those of the answer before: remembering them saves their allocation.
struct HTTP2AnswerFields: AnswerFieldSink {
    private var list = HPACKHeaders()
    private var remembered = [String](repeating: "", count: AnswerFieldName.allCases.count)

    /// The frames of an answer: its head, and its body unless that is empty or not wanted.
    mutating func payloads(
        _ answer: Answer, _ trailer: AnswerTrailer, isHeadOnly: Bool
    ) -> (HTTP2Frame.FramePayload.Headers, HTTP2Frame.FramePayload.Data?) {
        let count = answer.body.count
        let list = self.list(answer, trailer, bodyCount: count)
        guard !isHeadOnly, count > 0 else { return (.init(headers: list, endStream: true), nil) }
        var body = ByteBuffer()
        body.append(maximumCount: count) { answer.body.write(into: &$0) }
        return (.init(headers: list), .init(data: .byteBuffer(body), endStream: true))
    }

    /// The frame of the head of an answer whose body follows.
    mutating func head(_ answer: Answer, _ trailer: AnswerTrailer) -> HTTP2Frame.FramePayload.Headers {
        .init(headers: self.list(answer, trailer, bodyCount: answer.body.count))
    }

    private mutating func list(_ answer: Answer, _ trailer: AnswerTrailer, bodyCount: Int) -> HPACKHeaders {
        self.list = HPACKHeaders()
        self.list.reserveCapacity(10)
        self.list.add(name: ":status", value: Self.status(answer.status))
        answer.writeFields(trailer, bodyCount: bodyCount, to: &self)
        defer { self.list = HPACKHeaders() }
        return self.list
    }

    mutating func field(_ name: AnswerFieldName, _ writeValue: (inout ByteCursor) -> Void) {
        withUnsafeTemporaryAllocation(byteCount: Answer.maximumHeadCount, alignment: 1) { memory in
            var cursor = ByteCursor(memory)
            writeValue(&cursor)
            if !Self.equals(&self.remembered[name.rawValue], cursor.written) {
                self.remembered[name.rawValue] = String(decoding: cursor.written, as: UTF8.self)
            }
        }
        // What differs from answer to answer would push the rest out of the table of the compression.
        self.list.add(
            name: name.listName, value: self.remembered[name.rawValue], indexing: name.isSteady ? .indexable : .nonIndexable)
    }

    private static func equals(_ text: inout String, _ bytes: UnsafeRawBufferPointer) -> Bool {
        guard text.utf8.count == bytes.count else { return false }
        return text.withUTF8 { $0.elementsEqual(bytes) }
    }

    private static func status(_ status: AnswerStatus) -> String {
        switch status {
        case .ok: "200"
        case .notFound: "404"
        default: "\(status.rawValue)"
        }
    }
}

extension AnswerFieldName {
    /// Whether the field has few values.
    fileprivate var isSteady: Bool {
        switch self {
        case .contentType, .cacheDegraded, .cacheStale, .cacheControl, .allow, .acceptEncoding, .challenge, .vary: true
        case .contentEncoding, .acceptRanges, .contentSecurityPolicy, .contentTypeOptions, .referrerPolicy: true
        case .contentLength, .cacheStatus, .cacheLease, .entityTag, .retryAfter, .requestID, .processTime, .date: false
        }
    }
}
