import Testing

@testable import CacheAPI
@testable import HTTPWire

struct KnownFieldTests {
    private static let names: [(String, KnownField)] = [
        ("Host", .host), ("Content-Length", .contentLength), ("Connection", .connection), ("X-Request-Id", .requestID),
        ("Traceparent", .traceparent), ("X-Cloud-Trace-Context", .cloudTraceContext), ("Authorization", .authorization),
        ("X-API-Key", .apiKey), ("Cache-Control", .cacheControl), ("Pragma", .pragma), ("Content-Encoding", .contentCoding), ("Origin", .origin),
        ("TE", .framing), ("Expect", .framing), ("Upgrade", .framing), ("Trailer", .framing),
        ("HTTP2-Settings", .framing), ("Proxy-Connection", .framing), ("Transfer-Encoding", .framing),
    ]

    private static func field(_ name: [UInt8]) -> KnownField? {
        // Not at the start of the bytes, and with others behind it.
        let bytes = Array("x".utf8) + name + Array(":y".utf8)
        return bytes.withUnsafeBytes { KnownField($0, 1..<(1 + name.count)) }
    }

    @Test(arguments: Self.names) func inAnyCase(_ name: String, _ field: KnownField) {
        for spelling in [name, name.lowercased(), name.uppercased()] { #expect(Self.field(Array(spelling.utf8)) == field) }
        #expect(Self.field(Array((name + "s").utf8)) == nil)
        #expect(Self.field(Array(name.utf8.dropLast())) == nil)
    }

    /// Any other token character in any place makes another name, which is not known.
    @Test(arguments: Self.names) func oneByteOff(_ name: String, _ field: KnownField) {
        let original = Array(name.lowercased().utf8)
        for place in original.indices {
            for byte in UInt8.min ... .max where ByteClass.isToken(byte) && ByteClass.lowercased(byte) != original[place] {
                var bytes = original
                bytes[place] = byte
                #expect(Self.field(bytes) == nil)
            }
        }
    }

    @Test func othersAreNotKnown() {
        for name in ["", "A", "Accept", "Accept-Encoding", "User-Agent", "Cookie", "Forwarded", "X-Forwarded-For"] {
            #expect(Self.field(Array(name.utf8)) == nil)
        }
    }
}
