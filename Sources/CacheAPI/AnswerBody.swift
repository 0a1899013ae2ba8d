package import Bytes
package import Cache
import JSON
package import NIOCore

/// The body of an answer, not yet written: its length is known without writing it, so that head and body go into one buffer. A long one should be taken
/// in pieces from an `AnswerBodyWriter`.
package enum AnswerBody: Sendable {
    /// `{"success":true,"key":K,"value":V}`
    case value(key: ByteBuffer, CachedValue)
    /// `{"success":true,"key":K,"message":"Value cached successfully with TTL: T"}`
    case stored(key: ByteBuffer, ttlSeconds: Int64?)
    /// `{"success":true,"key":K,"message":"Key deleted successfully"}`
    case deleted(key: ByteBuffer)
    /// `{"success":true,"key":K,"message":"Time to live set: T"}`
    case expires(key: ByteBuffer, ttlSeconds: Int64)
    /// `{"detail":"..."}`, of a text that needs no escaping.
    case detail(StaticString)
    /// The value as it is.
    case bytes(CachedValue)
    /// Bytes that are ready.
    case prepared(ByteBuffer)
    /// `{"results":[{"status":200,...}, ...]}`
    case batch(BatchResults)

    private static let opening: StaticString = "{\"success\":true,\"key\":"
    private static let resultOpening: StaticString = "{\"status\":200,\"success\":true,\"key\":"
    private static let valueName: StaticString = ",\"value\":"
    private static let storedMessage: StaticString = ",\"message\":\"Value cached successfully with TTL: "
    private static let expiresMessage: StaticString = ",\"message\":\"Time to live set: "
    private static let noExpiration: StaticString = "no expiration"
    private static let deletedMessage: StaticString = ",\"message\":\"Key deleted successfully\"}"
    private static let detailOpening: StaticString = "{\"detail\":\""
    private static let textClosing: StaticString = "\"}"

    /// Length in bytes of what `write` appends.
    package var count: Int {
        switch self {
        case .value(let key, let value):
            Self.opening.utf8CodeUnitCount + JSONWriter.stringCount(key) + Self.valueName.utf8CodeUnitCount + value.count + 1
        case .stored(let key, let ttl):
            Self.opening.utf8CodeUnitCount + JSONWriter.stringCount(key) + Self.storedMessage.utf8CodeUnitCount
                + (ttl.map { DecimalDigits.count(UInt64($0)) } ?? Self.noExpiration.utf8CodeUnitCount) + Self.textClosing.utf8CodeUnitCount
        case .deleted(let key):
            Self.opening.utf8CodeUnitCount + JSONWriter.stringCount(key) + Self.deletedMessage.utf8CodeUnitCount
        case .expires(let key, let ttl):
            Self.opening.utf8CodeUnitCount + JSONWriter.stringCount(key) + Self.expiresMessage.utf8CodeUnitCount + DecimalDigits.count(UInt64(ttl))
                + Self.textClosing.utf8CodeUnitCount
        case .detail(let text):
            Self.detailOpening.utf8CodeUnitCount + text.utf8CodeUnitCount + Self.textClosing.utf8CodeUnitCount
        case .bytes(let value): value.count
        case .prepared(let bytes): bytes.readableBytes
        case .batch(let results): results.count
        }
    }

    /// Appends the body: `count` bytes.
    package func write(into cursor: inout ByteCursor) {
        self.write(opening: Self.opening, into: &cursor)
    }

    /// The same as a result of a batch: of value, stored and deleted.
    func writeResult(into cursor: inout ByteCursor) {
        self.write(opening: Self.resultOpening, into: &cursor)
    }

    /// How much longer `writeResult` is than `write`.
    static let resultGrowth = resultOpening.utf8CodeUnitCount - opening.utf8CodeUnitCount

    /// Appends what stands before a value.
    static func writeHead(of key: ByteBuffer, into cursor: inout ByteCursor) {
        self.writeHead(of: key, opening: self.opening, into: &cursor)
    }

    /// What stands after a value.
    static let valueEnd = UInt8(ascii: "}")

    /// Appends what stands before the value of a result.
    static func writeResultHead(_ key: ByteBuffer, into cursor: inout ByteCursor) {
        self.writeHead(of: key, opening: self.resultOpening, into: &cursor)
    }

    @inline(__always)
    private static func writeHead(of key: ByteBuffer, opening: StaticString, into cursor: inout ByteCursor) {
        cursor.append(opening)
        JSONWriter.writeString(key, into: &cursor)
        cursor.append(self.valueName)
    }

    /// Always inlined, so that the opening is a constant wherever it is written.
    @inline(__always)
    private func write(opening: StaticString, into cursor: inout ByteCursor) {
        switch self {
        case .value(let key, let value):
            Self.writeHead(of: key, opening: opening, into: &cursor)
            value.withBytes { cursor.append($0) }
            cursor.append(Self.valueEnd)
        case .stored(let key, let ttl):
            cursor.append(opening)
            JSONWriter.writeString(key, into: &cursor)
            cursor.append(Self.storedMessage)
            if let ttl { cursor.appendDecimal(Int(ttl)) } else { cursor.append(Self.noExpiration) }
            cursor.append(Self.textClosing)
        case .deleted(let key):
            cursor.append(opening)
            JSONWriter.writeString(key, into: &cursor)
            cursor.append(Self.deletedMessage)
        case .expires(let key, let ttl):
            cursor.append(opening)
            JSONWriter.writeString(key, into: &cursor)
            cursor.append(Self.expiresMessage)
            cursor.appendDecimal(Int(ttl))
            cursor.append(Self.textClosing)
        case .detail(let text):
            cursor.append(Self.detailOpening)
            cursor.append(text)
            cursor.append(Self.textClosing)
        case .bytes(let value):
            value.withBytes { cursor.append($0) }
        case .prepared(let bytes):
            cursor.append(bytes)
        case .batch(let results):
            results.write(into: &cursor)
        }
    }
}
