/// Checks tokens that somebody else signed, such as Google's ID tokens.
package protocol TokenVerifier: Sendable {
    /// Whose token it is; nil where its signature or what it claims is not valid.
    ///
    /// - Parameter token: of anybody's choice, at most `AccessControl.maximumTokenBytes` long.
    /// - Throws: where that cannot be found out now.
    func identity(of token: String) async throws -> TokenIdentity?
}
