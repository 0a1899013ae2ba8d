import NIOCore
import NIOSSL

/// The TLS settings of a connection. Files are read again for every connection, so that certificates can be replaced while the service runs. TLS 1.2
/// or later.
package struct RedisTLS: Sendable, Hashable {
    /// The trusted certificate authorities.
    package enum Trust: Sendable, Hashable {
        case systemRoots
        /// One or several certificates as PEM text.
        case pem([UInt8])
        /// A file of one or several certificates as PEM text.
        case file(String)
    }

    /// How much of the server's certificate is verified.
    package enum Verification: String, Sendable, Hashable, CaseIterable {
        /// The chain, and that it was issued for the host name or IP address.
        case full
        /// Only the chain: for a private authority that signs certificates only for this server, such as the one of a Memorystore instance.
        case chain
    }

    package var trust = Trust.systemRoots
    package var verification = Verification.full
    /// The name that the certificate must have, if it differs from the host; also sent as SNI.
    package var serverName: String?
    /// The client's certificate chain and private key as PEM files, if the server requires them.
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

extension RedisTLS {
    /// Checks that the files exist and can be used. Blocks.
    /// - Throws: a `RedisFailure` that names the part that cannot be used, without its content.
    package func check() throws(RedisFailure) {
        _ = try self.makeContext()
    }

    /// Reads the files and creates the context for handshakes. Blocks; takes about a millisecond.
    /// - Throws: a `RedisFailure` that names the part that cannot be used, without its content.
    func makeContext() throws(RedisFailure) -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.certificateVerification = self.verification == .full ? .fullVerification : .noHostnameVerification
        configuration.trustRoots = try self.trustRoots()
        if let identity = self.clientIdentity {
            configuration.certificateChain = try Self.read("the client certificate") {
                try NIOSSLCertificate.fromPEMFile(identity.certificateFile).map { .certificate($0) }
            }
            configuration.privateKey = .privateKey(
                try Self.read("the client key") { try NIOSSLPrivateKey(file: identity.keyFile, format: .pem) })
        }
        // This fails if the key does not belong to the certificate.
        return try Self.read("the combination of client certificate and key") { [configuration] in try NIOSSLContext(configuration: configuration) }
    }

    func trustRoots() throws(RedisFailure) -> NIOSSLTrustRoots {
        let certificates: [NIOSSLCertificate]
        switch self.trust {
        case .systemRoots: return .default
        case .pem(let bytes): certificates = try Self.read("the certificate authority") { try NIOSSLCertificate.fromPEMBytes(bytes) }
        case .file(let path): certificates = try Self.read("the file of certificate authorities") { try NIOSSLCertificate.fromPEMFile(path) }
        }
        guard !certificates.isEmpty else { throw RedisFailure(.tlsFailed, "there is no certificate of an authority") }
        return .certificates(certificates)
    }

    private static func read<Value>(_ what: String, _ body: () throws -> Value) throws(RedisFailure) -> Value {
        do {
            return try body()
        } catch {
            throw RedisFailure(.tlsFailed, "\(what) cannot be read or used")
        }
    }

    /// The name for SNI and verification; nil for an IP address, which is verified as such and must not be sent (RFC 6066, 3).
    func expectedName(host: String) -> String? {
        let name = self.serverName ?? host
        return (try? SocketAddress(ipAddress: name, port: 0)) == nil ? name : nil
    }
}
