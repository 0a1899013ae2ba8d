import NIOCore
import Testing

@testable import RedisClient

/// What a server says is kept for the log, as far as it is fit for it.
@Suite struct RedisFailureTests {
    private func message(_ reply: String) -> String? { RedisFailure.serverError(ByteBuffer(string: reply)).logMessage }

    @Test func aMessageIsShort() throws {
        let long = try #require(self.message("ERR " + String(repeating: "x", count: 10_000)))
        #expect(long.utf8.count <= RedisFailure.maximumMessageBytes + "…".utf8.count)
        #expect(long.hasPrefix("ERR xxx") && long.hasSuffix("x…"))
        let exact = "ERR " + String(repeating: "x", count: RedisFailure.maximumMessageBytes - 4)
        #expect(self.message(exact) == exact)
        let wide = try #require(self.message(String(repeating: "ü", count: 10_000)))
        #expect(wide == String(repeating: "ü", count: RedisFailure.maximumMessageBytes / 2) + "…")
    }

    /// A bulk error may hold any byte, and Redis quotes what clients send.
    @Test func aMessageHasNoControlCharacters() {
        #expect(self.message("ERR a\r\nb\u{1b}[2J\u{7f}\u{202e}\u{2028}c") == #"ERR a\u{d}\u{a}b\u{1b}[2J\u{7f}\u{202e}\u{2028}c"#)
        #expect(self.message("ERR grün") == "ERR grün")
    }

    /// Also of what a library says.
    @Test func everyMessageIsBounded() {
        let failure = RedisFailure(.connectFailed, String(repeating: "\n", count: 1000))
        #expect((failure.logMessage?.utf8.count ?? 0) <= RedisFailure.maximumMessageBytes + "…".utf8.count)
        #expect(failure.logMessage?.contains("\n") == false)
    }

    @Test func whatIsAboutTheValue() {
        #expect(RedisFailure.serverError(ByteBuffer(string: "ERR Protocol error: invalid bulk length")).isAboutTheValue)
        #expect(RedisFailure.serverError(ByteBuffer(string: "ERR string exceeds maximum allowed size (proto-max-bulk-len)")).isAboutTheValue)
        #expect(!RedisFailure.serverError(ByteBuffer(string: "ERR syntax error")).isAboutTheValue)
        #expect(!RedisFailure(.protocolViolation, "invalid bulk length").isAboutTheValue)
    }

    @Test func whatIsAboutTheCluster() {
        func failure(_ reply: String) -> RedisFailure { .serverError(ByteBuffer(string: reply)) }
        let down = failure("CLUSTERDOWN The cluster is down")
        #expect(down.isClusterDown && !down.isAboutTheSlot && !down.meansUnfitPeer)
        let slot = failure("CLUSTERDOWN Hash slot not served")
        #expect(slot.isClusterDown && slot.isAboutTheSlot && !slot.meansUnfitPeer)
        #expect(!failure("CLUSTERDOWN The cluster is down and only accepts read commands").isAboutTheSlot)
        #expect(!failure("ERR Hash slot not served").isAboutTheSlot && !RedisFailure.connectionClosed.isClusterDown)
    }
}
