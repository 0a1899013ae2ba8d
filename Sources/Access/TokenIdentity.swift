/// Whose a verified token is.
package struct TokenIdentity: Sendable, Hashable {
    /// The address of the account.
    package let account: String
    /// When the token expires, in nanoseconds of the monotonic clock.
    package let notAfter: Int

    package init(account: String, notAfter: Int) {
        self.account = account
        self.notAfter = notAfter
    }
}
