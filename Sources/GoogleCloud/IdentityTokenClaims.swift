import JWTKit

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

    /// The rest is the verifier's, who knows what to expect.
    func verify(using algorithm: some JWTAlgorithm) throws {
        try self.expiration.verifyNotExpired()
    }
}
