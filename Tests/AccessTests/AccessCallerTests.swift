import NIOCore
import TestSupport
import Testing

@testable import Access

struct AccessCallerTests {
    private static let scopes: [AccessScopes] = [.read, .write, .invalidate, .admin]

    @Test func withoutACredential() {
        for scope in Self.scopes {
            #expect(AccessCaller.anybody.verdict(scope) == .allowed)
            #expect(AccessCaller.anonymous.verdict(scope) == .unauthenticated)
            #expect(AccessCaller.unknown.verdict(scope) == .rejected)
        }
    }

    /// Every set of scopes against every scope.
    @Test func scopes() {
        for rawValue in UInt8(0)..<16 {
            let held = AccessScopes(rawValue: rawValue)
            let caller = AccessCaller.known(AccessGrant(scopes: held))
            for scope in Self.scopes { #expect(caller.verdict(scope) == (held.contains(scope) ? .allowed : .forbidden(scope))) }
        }
    }

    @Test(
        arguments: [
            ("read", .read), ("write", .write), ("invalidate", .invalidate), ("admin", .admin), ("all", .all), ("read,write", [.read, .write]),
            ("read,invalidate,admin", [.read, .invalidate, .admin]),
        ] as [(String, AccessScopes)])
    func namesOfScopes(_ name: String, _ scopes: AccessScopes) {
        #expect(AccessScopes(names: name) == scopes && scopes.name == name)
    }

    @Test(arguments: ["", ",", "read,", "Read", "read write", "everything"]) func whatIsNoScope(_ name: String) {
        #expect(AccessScopes(names: name) == nil)
    }

    @Test(arguments: [("agent:1", true), ("agent:", true), ("agent", false), ("", false), ("Agent:1", false), ("xagent:1", false)])
    func keysBeginWithThePrefix(_ key: String, _ isAllowed: Bool) {
        let caller = AccessCaller.known(AccessGrant(scopes: .all, prefix: Array("agent:".utf8)))
        let verdict: AccessVerdict = isAllowed ? .allowed : .outsidePrefix
        #expect(caller.verdict(.read(key: ByteBuffer(string: key))) == verdict)
        #expect(caller.verdict(.write(key: ByteBuffer(string: key))) == verdict)
    }

    @Test func theScopeIsJudgedBeforeTheKey() {
        let caller = AccessCaller.known(AccessGrant(scopes: .read, prefix: Array("a".utf8)))
        #expect(caller.verdict(.write(key: ByteBuffer(string: "b"))) == .forbidden(.write))
    }

    private static let confined: [(prefix: String, pattern: String, result: String?)] = [
        ("agent:", "*", "agent:*"), ("agent:", "agent:*", "agent:*"), ("agent:", "agent:1?", "agent:1?"), ("agent:", "agent:", "agent:"),
        ("agent:", "a*", nil), ("agent:", "?gent:*", nil), ("agent:", "[a]gent:*", nil), ("agent:", "other:*", nil), ("agent:", "agent", nil),
        ("agent:", "", nil), ("agent:", "**", nil), ("agent:", "\\agent:*", "\\agent:*"), ("agent:", "agent\\:*", "agent\\:*"),
        ("agent:", "\\*", nil), ("a*b", "*", "a\\*b*"), ("a*b", "a\\*bc", "a\\*bc"), ("a*b", "a*bc", nil), ("[x]?\\", "*", "\\[x\\]\\?\\\\*"),
        ("a\\", "a\\\\x", "a\\\\x"), ("a\\", "a\\", "a\\"), ("", "*", "*"), ("", "a*", "a*"),
    ]

    @Test(arguments: confined) func patternsAreConfined(_ prefix: String, _ pattern: String, _ result: String?) {
        let caller = AccessCaller.known(AccessGrant(scopes: .all, prefix: Array(prefix.utf8)))
        #expect(caller.confined(ByteBuffer(string: pattern)).map { String(buffer: $0) } == result)
    }

    @Test func nobodyElseIsConfined() {
        #expect(AccessCaller.anybody.confined(ByteBuffer(string: "*")) == ByteBuffer(string: "*"))
    }

    @Test func aConnectionRemembersItsCallerUntilTheKeysChange() {
        let ring = { (secret: String) in
            AccessKeyRing([(digest: SecretDigest(of: secret), grant: AccessGrant(scopes: .all, prefix: Array(secret.utf8)))])
        }
        let control = AccessControl(ring("one"))
        var memory = CallerMemory()
        func ask(_ secret: String) -> String? {
            var secret = secret
            let caller = secret.withUTF8 { memory.caller(UnsafeRawBufferPointer($0), control, now: 0) }
            guard case .known(let grant) = caller else { return nil }
            return String(decoding: grant.prefix, as: UTF8.self)
        }
        #expect(ask("one") == "one")
        #expect(ask("one") == "one")
        #expect(ask("two") == nil)
        #expect(ask("one") == "one")
        control.replace(ring("two"))
        #expect(ask("one") == nil, "withdrawn")
        #expect(ask("two") == "two")
        #expect(ask("on") == nil && ask("oneone") == nil && ask("") == nil)
    }

    @Test func prefixes() {
        var random = SplitMix64(seed: 13)
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in UInt8.random(in: 0...3, using: &random) }
            var prefix = Array(bytes.prefix(Int.random(in: 0...41, using: &random)))
            switch Int.random(in: 0..<4, using: &random) {
            case 0 where !prefix.isEmpty: prefix[Int.random(in: 0..<prefix.count, using: &random)] ^= 1
            case 1: prefix.append(0)
            default: break
            }
            let isPrefix = bytes.withUnsafeBytes { bytes in prefix.withUnsafeBytes { bytes.hasPrefix($0) } }
            #expect(isPrefix == bytes.starts(with: prefix), "\(prefix) of \(bytes)")
        }
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        #expect(nothing.hasPrefix(nothing))
    }
}
