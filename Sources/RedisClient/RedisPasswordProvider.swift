/// Whoever knows a password that changes, such as an access token. Asked for every connection, so it must have an answer at hand.
package protocol RedisPasswordProvider: Sendable {
    /// - Throws: where there is none now; the connection is tried again later.
    func password() async throws -> RedisPassword
}
