package import Access
import CoreMetrics
import JWTKit
import NIOCore

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Checks the ID tokens that Google signs for service accounts, as services on Cloud Run send them to one another.
package struct IdentityTokenVerifier: TokenVerifier {
    private let keys: SigningKeySource
    private let audiences: Set<String>
    private let issuers: Set<String>
    private let accepted = Counter(label: "cacheagent_google_id_tokens_total", dimensions: [("result", "accepted")])
    private let rejected = Counter(label: "cacheagent_google_id_tokens_total", dimensions: [("result", "rejected")])
    private let unverified = Counter(label: "cacheagent_google_id_tokens_total", dimensions: [("result", "unverified")])

    /// - Parameters:
    ///   - audiences: whom tokens must be meant for: mostly the address of this service.
    ///   - issuers: who must have signed them.
    package init(keys: SigningKeySource, audiences: Set<String>, issuers: Set<String>) {
        self.keys = keys
        self.audiences = audiences
        self.issuers = issuers
    }

    package func identity(of token: String) async throws -> TokenIdentity? {
        do {
            let identity = try await self.verified(token)
            (identity == nil ? self.rejected : self.accepted).increment()
            return identity
        } catch {
            self.unverified.increment()
            throw error
        }
    }

    private func verified(_ token: String) async throws -> TokenIdentity? {
        // The algorithm is what Google signs with, never what the token asks for (RFC 8725, section 3.1).
        guard let header = try? DefaultJWTParser().parse([UInt8](token.utf8), as: IdentityTokenClaims.self).header, header.alg == "RS256",
            let identifier = header.kid, let keys = try await self.keys.keys(with: identifier),
            let claims = try? await keys.verify(token, as: IdentityTokenClaims.self),
            self.issuers.contains(claims.issuer.value), !self.audiences.isDisjoint(with: claims.audience.value), claims.isAccountVerified
        else { return nil }
        let left = claims.expiration.value.timeIntervalSinceNow
        guard left > 0, left < 1e9 else { return nil }
        return TokenIdentity(account: claims.account, notAfter: Int(NIODeadline.now().uptimeNanoseconds) + Int(left * 1e9))
    }
}

/// What an ID token claims (OpenID Connect Core 1.0, section 2; https://cloud.google.com/docs/authentication/token-types#id).
struct IdentityTokenClaims: JWTPayload {
    enum CodingKeys: String, CodingKey {
        case issuer = "iss"
        case audience = "aud"
        case expiration = "exp"
        case account = "email"
        case isAccountVerified = "email_verified"
    }

    let issuer: IssuerClaim
    let audience: AudienceClaim
    let expiration: ExpirationClaim
    let account: String
    let isAccountVerified: Bool

    /// The other claims are checked by the verifier, which knows what to expect.
    func verify(using algorithm: some JWTAlgorithm) throws {
        try self.expiration.verifyNotExpired()
    }
}
