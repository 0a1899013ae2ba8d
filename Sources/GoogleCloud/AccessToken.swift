package import RedisClient

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// An OAuth access token as the metadata server gives it.
package struct AccessToken: Sendable, Hashable {
    /// `{"access_token":"...","expires_in":3599,"token_type":"Bearer"}` (RFC 6749, section 5.1).
    private struct Answer: Decodable {
        enum CodingKeys: String, CodingKey {
            case token = "access_token"
            case lifetimeSeconds = "expires_in"
        }

        var token: String
        var lifetimeSeconds: Int
    }

    /// The token itself: a password, which does not print.
    package let secret: RedisPassword
    /// How long it is valid from when it was given, in seconds.
    package let lifetimeSeconds: Int

    package init(secret: RedisPassword, lifetimeSeconds: Int) {
        self.secret = secret
        self.lifetimeSeconds = lifetimeSeconds
    }

    /// Reads an answer; nil where it is anything else, or the token not visible ASCII (RFC 6749, appendix A.12).
    package init?(json: [UInt8]) {
        guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(json)), answer.lifetimeSeconds > 0, !answer.token.isEmpty,
            answer.token.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
        else { return nil }
        self.init(secret: RedisPassword(answer.token), lifetimeSeconds: answer.lifetimeSeconds)
    }
}
