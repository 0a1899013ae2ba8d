import CryptoExtras
package import Foundation
package import JWTKit

/// Somebody who signs ID tokens as Google does, with a key of the test's own.
package struct TokenIssuer {
    package struct Claims: JWTPayload {
        package var iss = "https://accounts.google.com"
        package var aud = "https://cache.example.com"
        package var exp = Date(timeIntervalSinceNow: 3600).timeIntervalSince1970
        package var email: String? = "backend@project.iam.gserviceaccount.com"
        package var email_verified: Bool? = true

        package init() {}

        package func verify(using algorithm: some JWTAlgorithm) throws {}
    }

    package let identifier: String
    private let key: JWTKit.Insecure.RSA.PrivateKey

    package init(_ identifier: String) throws {
        self.identifier = identifier
        self.key = try JWTKit.Insecure.RSA.PrivateKey(backing: _RSA.Signing.PrivateKey(keySize: .bits2048))
    }

    /// The public half, as one member of a key set.
    package func webKey() throws -> String {
        let (modulus, exponent) = try self.key.publicKey.getKeyPrimitives()
        return
            #"{"kty":"RSA","use":"sig","alg":"RS256","kid":"\#(self.identifier)","n":"\#(Self.base64URL(modulus))","e":"\#(Self.base64URL(exponent))"}"#
    }

    package func token(_ claims: Claims = Claims(), as identifier: String? = nil, algorithm: DigestAlgorithm = .sha256) async throws -> String {
        let keys = JWTKeyCollection()
        await keys.add(rsa: self.key, digestAlgorithm: algorithm)
        return try await keys.sign(claims, header: JWTHeader(fields: ["kid": .string(identifier ?? self.identifier)]))
    }

    package static func keySet(_ issuers: [TokenIssuer]) throws -> String {
        #"{"keys":[\#(try issuers.map { try $0.webKey() }.joined(separator: ","))]}"#
    }

    package static func base64URL(_ bytes: Data) -> String {
        bytes.base64EncodedString().replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
            .replacingOccurrences(of: "=", with: "")
    }
}
