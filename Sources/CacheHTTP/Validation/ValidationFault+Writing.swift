package import NIOCore

/// Appends the body of an answer of status 422, as FastAPI writes it: `{"detail":[{"type":...,"loc":[...],"msg":...,"input":...,"ctx":{...}}]}`
/// with one object for each fault, in order, and `ctx` only where the fault has one. Pydantic's `url` is left out.
///
/// `input` is the offending value as the body spells it, less the whitespace outside strings. A value of more than
/// `ValidationFault.maximumEchoedBytes` bytes is answered with `null` instead: an answer must not grow with the request, and the client has
/// the value. So each fault takes at most a bit over 1 KiB, and a body has at most as many faults as its request has fields.
///
/// - Parameters:
///   - faults: at least one.
///   - buffer: where to append.
/// - Complexity: O(1) for each fault, as all that is written is bounded.
package func writeFaults(_ faults: [ValidationFault], into buffer: inout ByteBuffer) {
    buffer.writeStaticString(#"{"detail":["#)
    for index in faults.indices {
        if index > 0 { buffer.writeStaticString(",") }
        faults[index].write(into: &buffer)
    }
    buffer.writeStaticString("]}")
}

extension ValidationFault {
    /// The longest value that an answer repeats as `input`, in bytes as the body spells it.
    package static let maximumEchoedBytes = 1024

    fileprivate func write(into buffer: inout ByteBuffer) {
        buffer.writeStaticString(#"{"type":"#)
        JSONWriter.writeString(self.kind.type, into: &buffer)
        buffer.writeStaticString(#","loc":["#)
        self.location.write(into: &buffer)
        buffer.writeStaticString(#"],"msg":"#)
        JSONWriter.writeString(self.kind.message, into: &buffer)
        buffer.writeStaticString(#","input":"#)
        self.writeInput(into: &buffer)
        self.writeContext(into: &buffer)
        buffer.writeStaticString("}")
    }

    private func writeInput(into buffer: inout ByteBuffer) {
        switch self.input {
        case .emptyObject:
            buffer.writeStaticString("{}")
        case .value(let value) where value.readableBytes <= Self.maximumEchoedBytes:
            JSONWriter.writeCompacted(value.readableBytesUInt8Span, into: &buffer)
        case .null, .value:
            buffer.writeStaticString("null")
        }
    }

    private func writeContext(into buffer: inout ByteBuffer) {
        guard let context = self.kind.context else { return }
        buffer.writeStaticString(#","ctx":{"#)
        JSONWriter.writeString(context.name, into: &buffer)
        buffer.writeStaticString(":")
        switch context.value {
        case .text(let text): JSONWriter.writeString(text, into: &buffer)
        case .integer(let integer): JSONWriter.writeInteger(integer, into: &buffer)
        }
        buffer.writeStaticString("}")
    }
}

extension ValidationFault.Location {
    fileprivate func write(into buffer: inout ByteBuffer) {
        switch self {
        case .body:
            JSONWriter.writeString("body", into: &buffer)
        case .field(let name):
            Self.write("body", name, into: &buffer)
        case .path(let name):
            Self.write("path", name, into: &buffer)
        case .query(let name):
            Self.write("query", name, into: &buffer)
        case .offset(let offset):
            JSONWriter.writeString("body", into: &buffer)
            buffer.writeStaticString(",")
            JSONWriter.writeInteger(Int64(offset), into: &buffer)
        }
    }

    private static func write(_ part: String, _ name: String, into buffer: inout ByteBuffer) {
        JSONWriter.writeString(part, into: &buffer)
        buffer.writeStaticString(",")
        JSONWriter.writeString(name, into: &buffer)
    }
}
