extension RedisServerProcess {
    /// A server that speaks TLS on its port, and nothing else.
    ///
    /// - Parameter clients: whether a client must have a certificate: `yes`, `no` or `optional`
    package convenience init(encrypted certificates: TestCertificates, clients: String = "no", configuration: [String] = []) throws {
        try self.init(
            isEncrypted: true,
            configuration: [
                "tls-cert-file \(certificates.serverCertificate)", "tls-key-file \(certificates.serverKey)",
                "tls-ca-cert-file \(certificates.authority)", "tls-auth-clients \(clients)",
            ] + configuration)
    }
}
