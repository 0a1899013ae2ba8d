package import RedisClient

/// An OAuth access token as the metadata server gives it.
package struct AccessToken: Sendable, Hashable {
    /// The token itself: a password, which does not print.
    package let secret: RedisPassword
    /// How long it is valid from when it was given, in seconds.
    package let lifetimeSeconds: Int

    package init(secret: RedisPassword, lifetimeSeconds: Int) {
        self.secret = secret
        self.lifetimeSeconds = lifetimeSeconds
    }

    /// Reads `{"access_token":"...","expires_in":3599,"token_type":"Bearer"}`; nil where it is anything else.
    package init?(json: [UInt8]) {
        guard let members = FlatJSONObject(json)?.members, case .text(let token) = members["access_token"], !token.isEmpty,
            case .number(let digits) = members["expires_in"], let seconds = Int(digits), seconds > 0
        else { return nil }
        self.init(secret: RedisPassword(token), lifetimeSeconds: seconds)
    }
}
