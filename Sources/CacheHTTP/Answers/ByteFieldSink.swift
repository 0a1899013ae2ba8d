import NIOCore

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
    func write(_ trailer: AnswerTrailer, closing: Bool, isHeadOnly: Bool = false, into buffer: inout ByteBuffer) {
        let bodyCount = self.body.count
        buffer.append(maximumCount: Self.maximumHeadCount + bodyCount) { cursor in
            self.writeStatusLine(into: &cursor)
            var sink = ByteFieldSink(cursor: cursor)
            self.writeFields(trailer, bodyCount: bodyCount, to: &sink)
            cursor = sink.cursor
            if closing { cursor.append("Connection: close\r\n") }
            cursor.append("\r\n")
            if !isHeadOnly { self.body.write(into: &cursor) }
        }
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
