import NIOCore

/// A reply of `InMemoryRedis`, and its bytes in each version of the protocol.
enum InMemoryRedisReply: Sendable, Equatable {
    case ok
    case simple(String)
    case error(String)
    case integer(Int64)
    case bulk([UInt8])
    case null
    case array([InMemoryRedisReply])
    /// Alternating keys and values.
    case map([InMemoryRedisReply])
    /// Text that RESP3 marks as such.
    case verbatim(String)

    static func bulk(_ text: String) -> InMemoryRedisReply { .bulk(Array(text.utf8)) }

    static let wrongType = InMemoryRedisReply.error("WRONGTYPE Operation against a key holding the wrong kind of value")
    static let syntaxError = InMemoryRedisReply.error("ERR syntax error")
    static let notAnInteger = InMemoryRedisReply.error("ERR value is not an integer or out of range")

    func encoded(protocolVersion: Int) -> ByteBuffer {
        var buffer = ByteBuffer()
        self.write(into: &buffer, isRESP3: protocolVersion == 3)
        return buffer
    }

    private func write(into buffer: inout ByteBuffer, isRESP3: Bool) {
        switch self {
        case .ok: buffer.writeString("+OK\r\n")
        case .simple(let text): buffer.writeString("+\(text)\r\n")
        case .error(let text): buffer.writeString("-\(text)\r\n")
        case .integer(let value): buffer.writeString(":\(value)\r\n")
        case .null: buffer.writeString(isRESP3 ? "_\r\n" : "$-1\r\n")
        case .bulk(let bytes):
            buffer.writeString("$\(bytes.count)\r\n")
            buffer.writeBytes(bytes)
            buffer.writeString("\r\n")
        case .verbatim(let text):
            guard isRESP3 else { return Self.bulk(text).write(into: &buffer, isRESP3: false) }
            buffer.writeString("=\(text.utf8.count + 4)\r\ntxt:\(text)\r\n")
        case .array(let elements):
            buffer.writeString("*\(elements.count)\r\n")
            for element in elements { element.write(into: &buffer, isRESP3: isRESP3) }
        case .map(let elements):
            buffer.writeString(isRESP3 ? "%\(elements.count / 2)\r\n" : "*\(elements.count)\r\n")
            for element in elements { element.write(into: &buffer, isRESP3: isRESP3) }
        }
    }
}
