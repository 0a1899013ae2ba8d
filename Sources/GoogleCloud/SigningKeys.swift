import JWTKit

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// The RSA keys of a published set. Others are left out: Google signs ID tokens with `RS256` (RFC 7518, section 3.3), and what is not here cannot be
/// confused with it.
struct SigningKeys {
    let collection: JWTKeyCollection
    let identifiers: Set<String>

    /// - Throws: where this is no key set, or one without such a key.
    init(json: String) async throws {
        let set = try JSONDecoder().decode(JWKS.self, from: Data(json.utf8))
        let keys = set.keys.filter { $0.keyType == .rsa && $0.keyIdentifier != nil && ($0.algorithm ?? .rs256) == .rs256 }
        guard !keys.isEmpty else { throw GoogleCloudFailure.unreadable }
        self.identifiers = Set(keys.compactMap { $0.keyIdentifier?.string })
        self.collection = JWTKeyCollection()
        try await self.collection.add(jwks: JWKS(keys: keys))
    }
}
