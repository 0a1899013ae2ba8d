/// Public keys as their issuer publishes them.
package struct SigningKeyAnswer: Sendable {
    /// A JSON Web Key Set (RFC 7517, section 5).
    package let json: String
    /// How long they may be kept, by the answer's `Cache-Control`.
    package let lifetimeSeconds: Int

    package init(json: String, lifetimeSeconds: Int) {
        self.json = json
        self.lifetimeSeconds = lifetimeSeconds
    }

    /// The lifetime where an answer names none: Google's keys change about once a week, and are published before they are used.
    static let defaultLifetimeSeconds = 3600

    /// Reads `max-age` of a `Cache-Control` (RFC 9111, section 5.2.2.1); between 5 minutes and a day, whatever it says.
    static func lifetimeSeconds(cacheControl: [String]) -> Int {
        let directives = cacheControl.joined(separator: ",").split(separator: ",").map { $0.drop { $0 == " " }.lowercased() }
        let seconds = directives.lazy.compactMap { $0.hasPrefix("max-age=") ? Int($0.dropFirst("max-age=".count)) : nil }.first
        return min(max(seconds ?? self.defaultLifetimeSeconds, 300), 86_400)
    }
}
