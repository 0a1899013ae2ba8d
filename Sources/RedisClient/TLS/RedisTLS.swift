/// How a connection is encrypted and whom it trusts. Files are read anew for every connection, so that certificates can be replaced while the service
/// runs. TLS 1.2 or later.
package struct RedisTLS: Sendable, Hashable {
    /// The authorities whose certificates are believed.
    package enum Trust: Sendable, Hashable {
        case systemRoots
        /// One or several certificates as PEM text.
        case pem([UInt8])
        /// A file of one or several certificates as PEM text.
        case file(String)
    }

    /// What of the server's certificate is checked.
    package enum Verification: String, Sendable, Hashable, CaseIterable {
        /// The chain, and that it was issued for the host name or IP address.
        case full
        /// The chain alone: for a private authority that signs nothing but this server, as Memorystore has one per instance.
        case chain
    }

    package var trust = Trust.systemRoots
    package var verification = Verification.full
    /// The name that the certificate must have, where it is not the host's; sent as SNI too.
    package var serverName: String?
    /// Certificate chain and private key of the client, as PEM files, where the server asks for one.
    package var clientIdentity: ClientIdentity?

    package struct ClientIdentity: Sendable, Hashable {
        package var certificateFile: String
        package var keyFile: String

        package init(certificateFile: String, keyFile: String) {
            self.certificateFile = certificateFile
            self.keyFile = keyFile
        }
    }

    package init() {}
}
