import Access
import Foundation
import JWTKit
import Logging
import TestSupport
import Testing

@testable import GoogleCloud

@Suite struct IdentityTokenVerifierTests {
    private static let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    private static func verifier(_ issuers: [TokenIssuer]) throws -> IdentityTokenVerifier {
        let json = try TokenIssuer.keySet(issuers)
        let source = SigningKeySource(logger: self.logger) { SigningKeyAnswer(json: json, lifetimeSeconds: 3600) }
        return IdentityTokenVerifier(keys: source, audiences: ["https://cache.example.com", "other"], issuers: ["https://accounts.google.com"])
    }

    @Test func whatGoogleSigned() async throws {
        let issuer = try TokenIssuer("one")
        let verifier = try Self.verifier([try TokenIssuer("zero"), issuer])
        let identity = try #require(try await verifier.identity(of: try await issuer.token()))
        #expect(identity.account == "backend@project.iam.gserviceaccount.com")
        let left = identity.notAfter - Int(DispatchTime.now().uptimeNanoseconds)
        #expect(left > 3_000_000_000_000 && left <= 3_600_000_000_000)
    }

    private static func faulty() -> [(String, TokenIssuer.Claims)] {
        func claims(_ change: (inout TokenIssuer.Claims) -> Void) -> TokenIssuer.Claims {
            var claims = TokenIssuer.Claims()
            change(&claims)
            return claims
        }
        return [
            ("expired", claims { $0.exp = Date(timeIntervalSinceNow: -1).timeIntervalSince1970 }),
            ("never expires", claims { $0.exp = 1e30 }),
            ("another audience", claims { $0.aud = "https://cache.example.com.evil.com" }),
            ("no audience", claims { $0.aud = "" }),
            ("another issuer", claims { $0.iss = "https://accounts.example.com" }),
            ("an address that was not verified", claims { $0.email_verified = false }),
            ("an address of which nothing is known", claims { $0.email_verified = nil }),
            ("no address", claims { $0.email = nil }),
        ]
    }

    @Test func whatIsClaimedMustBeRight() async throws {
        let issuer = try TokenIssuer("one")
        let verifier = try Self.verifier([issuer])
        for (fault, claims) in Self.faulty() {
            let token = try await issuer.token(claims)
            let identity = try await verifier.identity(of: token)
            #expect(identity == nil, "\(fault)")
        }
    }

    @Test func whatSomebodyElseSigned() async throws {
        let issuer = try TokenIssuer("one")
        let stranger = try TokenIssuer("one")
        let verifier = try Self.verifier([issuer, try TokenIssuer("two")])
        let good = try await issuer.token()
        let parts = good.split(separator: ".").map(String.init)
        let header = { (text: String) in TokenIssuer.base64URL(Data(text.utf8)) }
        let keys = JWTKeyCollection()
        let (modulus, _) = (try issuer.webKey(), 0)
        await keys.add(hmac: HMACKey(from: modulus), digestAlgorithm: .sha256)
        let tokens = [
            try await stranger.token(), try await issuer.token(as: "two"), try await issuer.token(as: "three"),
            try await issuer.token(algorithm: .sha384), "\(parts[0]).\(parts[1]).", "\(parts[0]).\(parts[1]).\(parts[2].dropLast(4))AAAA",
            "\(parts[0]).\(header(#"{"email":"a@b"}"#)).\(parts[2])", "\(header(#"{"alg":"none","kid":"one"}"#)).\(parts[1]).",
            "\(header(#"{"alg":"RS256"}"#)).\(parts[1]).\(parts[2])", "..", "", "a.b.c", "\(parts[0]).\(parts[1])",
            try await keys.sign(TokenIssuer.Claims(), header: JWTHeader(fields: ["kid": .string("one")])),
        ]
        for token in tokens {
            let identity = try await verifier.identity(of: token)
            #expect(identity == nil, "\(token)")
        }
        let identity = try await verifier.identity(of: good)
        #expect(identity != nil)
    }

    @Test func withoutKeysNothingCanBeSaid() async throws {
        let source = SigningKeySource(logger: Self.logger) { throw GoogleCloudFailure.status(503) }
        let verifier = IdentityTokenVerifier(keys: source, audiences: ["https://cache.example.com"], issuers: ["https://accounts.google.com"])
        let token = try await TokenIssuer("one").token()
        await #expect(throws: GoogleCloudFailure.self) { try await verifier.identity(of: token) }
        let nonsense = try await verifier.identity(of: "a.b.c")
        #expect(nonsense == nil)
    }
}
