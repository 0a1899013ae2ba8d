import NIOCore

@testable import RESP

/// Writes replies as a server would; the opposite of the decoder.
enum RESPTestEncoder {
    static func encode(_ value: RESPValue) -> ByteBuffer {
        var buffer = ByteBuffer()
        self.write(value, into: &buffer)
        return buffer
    }

    static func write(_ value: RESPValue, into buffer: inout ByteBuffer) {
        switch value {
        case .null: buffer.writeString("_\r\n")
        case .simpleOK: buffer.writeString("+OK\r\n")
        case .simpleString(let bytes): self.line("+", bytes, into: &buffer)
        case .error(let bytes): self.line("-", bytes, into: &buffer)
        case .integer(let value): buffer.writeString(":\(value)\r\n")
        case .bulkString(let bytes): self.bulk("$", bytes, into: &buffer)
        case .oversized(let byteCount): self.bulk("$", ByteBuffer(repeating: 0x78, count: byteCount), into: &buffer)
        case .array(let elements): self.aggregate("*", elements, elements.count, into: &buffer)
        case .boolean(let value): buffer.writeString(value ? "#t\r\n" : "#f\r\n")
        case .double(let value): buffer.writeString(",\(value)\r\n")
        case .bigNumber(let bytes): self.line("(", bytes, into: &buffer)
        case .verbatimString(let bytes): self.bulk("=", bytes, into: &buffer)
        case .map(let elements): self.aggregate("%", elements, elements.count / 2, into: &buffer)
        case .set(let elements): self.aggregate("~", elements, elements.count, into: &buffer)
        case .push(let elements): self.aggregate(">", elements, elements.count, into: &buffer)
        }
    }

    private static func line(_ type: String, _ bytes: ByteBuffer, into buffer: inout ByteBuffer) {
        buffer.writeString(type)
        buffer.writeImmutableBuffer(bytes)
        buffer.writeString("\r\n")
    }

    private static func bulk(_ type: String, _ bytes: ByteBuffer, into buffer: inout ByteBuffer) {
        buffer.writeString("\(type)\(bytes.readableBytes)\r\n")
        buffer.writeImmutableBuffer(bytes)
        buffer.writeString("\r\n")
    }

    private static func aggregate(_ type: String, _ elements: [RESPValue], _ count: Int, into buffer: inout ByteBuffer) {
        buffer.writeString("\(type)\(count)\r\n")
        for element in elements {
            self.write(element, into: &buffer)
        }
    }
}
