import HTTPTypes
import Hummingbird
import NIOCore

/// Collects an answer's fields for Hummingbird.
struct ResponseFieldSink: AnswerFieldSink {
    var fields = HTTPFields()

    init() {
        self.fields.reserveCapacity(8)
    }

    mutating func field(_ name: AnswerFieldName, _ writeValue: (inout ByteCursor) -> Void) {
        let value = withUnsafeTemporaryAllocation(byteCount: Answer.maximumHeadCount, alignment: 1) { memory in
            var cursor = ByteCursor(memory)
            writeValue(&cursor)
            return String(decoding: cursor.written, as: UTF8.self)
        }
        self.fields.append(HTTPField(name: name.fieldName, value: value))
    }
}

extension Answer {
    /// The answer as Hummingbird's response. `HEAD` gets the head alone, with the length that `GET` would have (RFC 9110, section 9.3.2).
    func response(_ trailer: AnswerTrailer, headOnly: Bool) -> Response {
        var sink = ResponseFieldSink()
        let bodyCount = self.body.count
        self.writeFields(trailer, bodyCount: bodyCount, to: &sink)
        guard !headOnly else { return Response(status: self.httpStatus, headers: sink.fields) }
        var body = ByteBuffer()
        body.append(maximumCount: bodyCount) { self.body.write(into: &$0) }
        return Response(status: self.httpStatus, headers: sink.fields, body: .init(byteBuffer: body))
    }

    private var httpStatus: HTTPResponse.Status { .init(code: self.status.rawValue, reasonPhrase: "\(self.status.reason)") }
}
