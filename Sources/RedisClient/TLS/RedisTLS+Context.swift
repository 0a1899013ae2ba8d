import NIOCore
import NIOSSL

extension RedisTLS {
    /// Whether the files are there and can be used. Blocks.
    /// - Throws: `RedisFailure` that says which part cannot be used, without its content.
    package func check() throws(RedisFailure) {
        _ = try self.makeContext()
    }

    /// Reads the files and prepares the handshake. Blocks; takes about a millisecond.
    /// - Throws: `RedisFailure` that says which part cannot be used, without its content.
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
        // A key that does not belong to the certificate shows here.
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

    /// The name for SNI and verification; nil for an address, which is verified as such and must not be sent (RFC 6066, 3).
    func expectedName(host: String) -> String? {
        let name = self.serverName ?? host
        return (try? SocketAddress(ipAddress: name, port: 0)) == nil ? name : nil
    }
}
