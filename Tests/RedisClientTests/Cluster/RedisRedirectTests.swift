import NIOCore
import Testing

@testable import RedisClient

@Suite struct RedisRedirectTests {
    private func parse(_ text: String) -> String? {
        RedisRedirect(ByteBuffer(string: text)).map { "\($0.kind) \($0.slot.index) \($0.address.host ?? "same") \($0.address.port)" }
    }

    @Test func whatNodesSay() {
        #expect(self.parse("MOVED 3999 127.0.0.1:6381") == "moved 3999 127.0.0.1 6381")
        #expect(self.parse("ASK 0 cache-1.example.com:6379") == "ask 0 cache-1.example.com 6379")
        #expect(self.parse("MOVED 16383 2001:db8::1:6379") == "moved 16383 2001:db8::1 6379")
        #expect(self.parse("MOVED 1 :6379") == "moved 1 same 6379", "a node that does not know its own name")
        #expect(self.parse("MOVED 1 ?:6379") == "moved 1 same 6379")
    }

    @Test(arguments: [
        "", "MOVED", "MOVED 1", "MOVED 16384 h:1", "MOVED -1 h:1", "MOVED x h:1", "MOVED 1 h", "MOVED 1 h:", "MOVED 1 h:0", "MOVED 1 h:65536",
        "MOVED 1 h:+1", "MOVED 1 h:1 more", "MOVED  1 h:1", "moved 1 h:1", "MOVED 1 h\r\nx:1", "MOVED 1 a/b:1", "MOVED 1 user@h:1", "ERR no",
        "TRYAGAIN Multiple keys request during rehashing of slot",
    ]) func whatNoNodeSays(_ text: String) {
        #expect(self.parse(text) == nil)
    }

    @Test func aHostThatIsTooLongIsNone() {
        #expect(self.parse("MOVED 1 \(String(repeating: "h", count: 255)):1") != nil)
        #expect(self.parse("MOVED 1 \(String(repeating: "h", count: 256)):1") == nil)
    }
}
