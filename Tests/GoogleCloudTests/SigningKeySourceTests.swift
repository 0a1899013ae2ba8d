import Logging
import NIOConcurrencyHelpers
import NIOCore
import TestSupport
import Testing

@testable import GoogleCloud

@Suite struct SigningKeySourceTests {
    private static let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    /// The issuer's server, and a clock.
    private final class World: Sendable {
        let answer: NIOLockedValueBox<String?>
        let asked = NIOLockedValueBox(0)
        let clock = NIOLockedValueBox(NIODeadline.uptimeNanoseconds(1))

        init(_ answer: String?) {
            self.answer = NIOLockedValueBox(answer)
        }

        func source() -> SigningKeySource {
            SigningKeySource(logger: SigningKeySourceTests.logger, now: { self.clock.withLockedValue { $0 } }) {
                self.asked.withLockedValue { $0 += 1 }
                guard let json = self.answer.withLockedValue({ $0 }) else { throw GoogleCloudFailure.status(500) }
                return SigningKeyAnswer(json: json, lifetimeSeconds: 3600)
            }
        }

        func pass(seconds: Int64) { self.clock.withLockedValue { $0 = $0 + .seconds(seconds) } }
        var count: Int { self.asked.withLockedValue { $0 } }
    }

    @Test func keysRotate() async throws {
        let (one, two) = (try TokenIssuer("one"), try TokenIssuer("two"))
        let world = World(try TokenIssuer.keySet([one]))
        let source = world.source()
        #expect(try await source.keys(with: "one") != nil && world.count == 1)
        #expect(try await source.keys(with: "two") == nil && world.count == 1, "asked a moment ago")
        world.answer.withLockedValue { $0 = try? TokenIssuer.keySet([two]) }
        world.pass(seconds: 31)
        #expect(try await source.keys(with: "two") != nil && world.count == 2)
        #expect(try await source.keys(with: "one") == nil && world.count == 2, "withdrawn")
    }

    @Test func strangersCannotMakeTheIssuerBeAskedOften() async throws {
        let world = World(try TokenIssuer.keySet([try TokenIssuer("one")]))
        let source = world.source()
        for number in 0..<1000 { #expect(try await source.keys(with: "\(number)") == nil) }
        #expect(world.count == 1)
        await withTaskGroup { group in
            for number in 0..<100 { group.addTask { _ = try? await source.keys(with: "\(number)") } }
        }
        #expect(world.count == 1)
    }

    @Test func oneFetchServesAllWhoWait() async throws {
        let world = World(try TokenIssuer.keySet([try TokenIssuer("one")]))
        let source = world.source()
        let found = await withTaskGroup { group in
            for _ in 0..<100 { group.addTask { (try? await source.keys(with: "one")) != nil } }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(found == 100 && world.count == 1)
    }

    @Test func oldKeysServeWhileTheIssuerIsAway() async throws {
        let world = World(try TokenIssuer.keySet([try TokenIssuer("one")]))
        let source = world.source()
        #expect(try await source.keys(with: "one") != nil)
        world.answer.withLockedValue { $0 = nil }
        world.pass(seconds: 100_000)
        await source.refresh()
        #expect(try await source.keys(with: "one") != nil)
        await #expect(throws: GoogleCloudFailure.self) { try await source.keys(with: "two") }
    }

    @Test(arguments: [
        nil, "", "{}", #"{"keys":[]}"#, "<html>", #"{"keys":[{"kty":"oct","kid":"a","k":"AAAA"}]}"#,
        #"{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}"#,
        #"{"keys":[{"kty":"RSA","kid":"a","alg":"RS512","n":"AQAB","e":"AQAB"}]}"#,
    ])
    func whatIsNoKeySet(_ json: String?) async throws {
        let world = World(json)
        let source = world.source()
        await #expect(throws: GoogleCloudFailure.self) { try await source.keys(with: "a") }
        let pause = await source.refresh()
        #expect(pause < 120, "soon again")
    }

    @Test(arguments: [
        (["public, max-age=21600, must-revalidate"], 21600), (["max-age=1"], 300), (["max-age=999999999"], 86_400), ([], 3600), (["no-store"], 3600),
        (["max-age=x"], 3600), (["public", "MAX-AGE=7200"], 7200), (["max-age=-5"], 300),
    ])
    func howLongKeysAreKept(_ cacheControl: [String], _ seconds: Int) {
        #expect(SigningKeyAnswer.lifetimeSeconds(cacheControl: cacheControl) == seconds)
    }
}
