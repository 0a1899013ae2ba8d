import NIOCore

/// Writes an answer as bytes of HTTP/1.1.
struct ByteFieldSink: AnswerFieldSink {
    var buffer: ByteBuffer

    mutating func field(_ name: AnswerFieldName, _ writeValue: (inout ByteBuffer) -> Void) {
        self.buffer.writeStaticString(name.line)
        writeValue(&self.buffer)
        self.buffer.writeStaticString("\r\n")
    }
}

extension Answer {
    /// Appends the whole answer to `sink`'s buffer.
    func write(_ trailer: AnswerTrailer, closing: Bool, to sink: inout ByteFieldSink) {
        sink.buffer.reserveCapacity(minimumWritableBytes: 384 + self.body.count)
        self.writeStatusLine(into: &sink.buffer)
        self.writeFields(trailer, to: &sink)
        sink.buffer.writeStaticString(closing ? "Connection: close\r\n\r\n" : "\r\n")
        self.body.write(into: &sink.buffer)
    }

    private func writeStatusLine(into buffer: inout ByteBuffer) {
        if self.status == .ok {
            buffer.writeStaticString("HTTP/1.1 200 OK\r\n")
            return
        }
        buffer.writeStaticString("HTTP/1.1 ")
        buffer.appendDecimal(self.status.rawValue)
        buffer.writeStaticString(" ")
        buffer.writeStaticString(self.status.reason)
        buffer.writeStaticString("\r\n")
    }
}
