import Testing

@testable import Access

/// What becomes of tokens that somebody else signed.
struct AccessControlTokenTests {
    /// Knows the tokens `ACCOUNT.SECONDS.x`; says nothing of `?..`.
    private struct StubVerifier: TokenVerifier {
        struct Silence: Error {}

        func identity(of token: String) async throws -> TokenIdentity? {
            let parts = token.split(separator: ".", omittingEmptySubsequences: false)
            if parts[0] == "?" { throw Silence() }
            return Int(parts[1]).map { TokenIdentity(account: String(parts[0]), notAfter: $0) }
        }
    }

    private static func ring(_ accounts: [String]) -> AccessKeyRing {
        AccessKeyRing([], accounts: Dictionary(uniqueKeysWithValues: accounts.map { ($0, AccessGrant(scopes: .read, prefix: Array($0.utf8))) }))
    }

    private static func name(_ caller: AccessCaller) -> String {
        switch caller {
        case .anybody: "anybody"
        case .anonymous: "anonymous"
        case .unknown: "unknown"
        case .unverified: "unverified"
        case .known(let grant): String(decoding: grant.prefix, as: UTF8.self)
        }
    }

    private static func known(_ token: String, _ control: AccessControl, now: Int) -> String {
        var token = token
        return self.name(token.withUTF8 { control.caller(UnsafeRawBufferPointer($0), now: now).caller })
    }

    @Test func aTokenIsKnownAtOnceAfterItWasVerifiedUntilItExpires() async {
        let control = AccessControl(Self.ring(["a"]), verifier: StubVerifier(), rememberedTokens: 2)
        #expect(Self.known("a.100.x", control, now: 1) == "unknown")
        #expect(Self.name(await control.verifiedCaller("a.100.x", now: 1)) == "a")
        #expect(Self.known("a.100.x", control, now: 99) == "a")
        #expect(Self.known("a.100.y", control, now: 99) == "unknown", "another token of the same account")
        #expect(Self.known("a.100.x", control, now: 100) == "unknown")
        #expect(Self.name(await control.verifiedCaller("a.100.x", now: 100)) == "unknown")
    }

    @Test func accountsAreWithdrawnWithTheFile() async {
        let control = AccessControl(Self.ring(["a"]), verifier: StubVerifier(), rememberedTokens: 2)
        #expect(Self.name(await control.verifiedCaller("a.100.x", now: 1)) == "a")
        control.replace(Self.ring(["b"]))
        #expect(Self.known("a.100.x", control, now: 2) == "unknown")
        #expect(Self.name(await control.verifiedCaller("a.100.x", now: 2)) == "unknown")
    }

    @Test(arguments: [
        ("b.100.x", "unknown"), ("a..x", "unknown"), ("?.1.x", "unverified"), ("a.100", "unknown"), ("a.100.x.y", "unknown"), ("", "unknown"),
        ("a.100." + String(repeating: "x", count: AccessControl.maximumTokenBytes - 6), "a"),
        ("a.100." + String(repeating: "x", count: AccessControl.maximumTokenBytes - 5), "unknown"),
    ])
    func tokens(_ token: String, _ caller: String) async {
        let control = AccessControl(Self.ring(["a"]), verifier: StubVerifier(), rememberedTokens: 2)
        #expect(Self.name(await control.verifiedCaller(token, now: 1)) == caller)
        #expect(control.rememberedTokenCount == (caller == "a" ? 1 : 0))
    }

    @Test func withoutAVerifierThereAreNoTokens() async {
        let control = AccessControl(Self.ring(["a"]))
        #expect(Self.name(await control.verifiedCaller("a.100.x", now: 1)) == "unknown")
    }

    @Test func theMemoryIsBounded() async {
        let control = AccessControl(Self.ring(["a"]), verifier: StubVerifier(), rememberedTokens: 3)
        for number in 1...3 { _ = await control.verifiedCaller("a.\(number * 10).x", now: 1) }
        #expect(control.rememberedTokenCount == 3)
        _ = await control.verifiedCaller("a.40.x", now: 1)
        #expect(control.rememberedTokenCount == 3 && Self.known("a.40.x", control, now: 1) == "a")
        _ = await control.verifiedCaller("a.100.x", now: 39)
        #expect(control.rememberedTokenCount == 2, "those that have expired go first")
        #expect(Self.known("a.40.x", control, now: 39) == "a" && Self.known("a.100.x", control, now: 39) == "a")
        for number in 0..<1000 { _ = await control.verifiedCaller("a.1000.\(number)", now: 39) }
        #expect(control.rememberedTokenCount == 3)
    }

    @Test func aConnectionForgetsAnExpiredToken() async {
        let control = AccessControl(Self.ring(["a"]), verifier: StubVerifier(), rememberedTokens: 3)
        var memory = CallerMemory()
        func ask(_ now: Int) -> String {
            var token = "a.100.x"
            return Self.name(token.withUTF8 { memory.caller(UnsafeRawBufferPointer($0), control, now: now) })
        }
        #expect(ask(1) == "unknown")
        _ = await control.verifiedCaller("a.100.x", now: 1)
        #expect(ask(2) == "a")
        #expect(ask(99) == "a")
        #expect(ask(100) == "unknown")
    }
}
