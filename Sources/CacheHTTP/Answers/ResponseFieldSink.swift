import HTTPTypes
import Hummingbird
import NIOCore

/// Collects an answer's fields for Hummingbird.
struct ResponseFieldSink: AnswerFieldSink {
    var fields = HTTPFields()
    private var scratch = ByteBuffer()

    mutating func field(_ name: AnswerFieldName, _ writeValue: (inout ByteBuffer) -> Void) {
        self.scratch.clear()
        writeValue(&self.scratch)
        self.fields.append(HTTPField(name: name.fieldName, value: String(buffer: self.scratch)))
    }
}

extension Answer {
    /// The answer as Hummingbird's response. `HEAD` gets the head alone, with the length that `GET` would have (RFC 9110, section 9.3.2).
    func response(_ trailer: AnswerTrailer, headOnly: Bool) -> Response {
        var sink = ResponseFieldSink()
        self.writeFields(trailer, to: &sink)
        guard !headOnly else { return Response(status: self.httpStatus, headers: sink.fields) }
        var body = ByteBuffer()
        body.reserveCapacity(self.body.count)
        self.body.write(into: &body)
        return Response(status: self.httpStatus, headers: sink.fields, body: .init(byteBuffer: body))
    }

    private var httpStatus: HTTPResponse.Status { .init(code: self.status.rawValue, reasonPhrase: "\(self.status.reason)") }
}
