/// What one caller may do. Shared by all its requests.
package final class AccessGrant: Sendable {
    /// Who it is, for metrics and the log: from the operator's file or a verified token, never a secret.
    package let name: String
    package let scopes: AccessScopes
    /// What its keys begin with; empty where it has all.
    package let prefix: [UInt8]
    /// How often it may ask; nil where that has no bound.
    package let bucket: TokenBucket?

    package init(name: String, scopes: AccessScopes, prefix: [UInt8] = [], bucket: TokenBucket? = nil) {
        self.bucket = bucket
        self.name = name
        self.scopes = scopes
        self.prefix = prefix
    }
}
