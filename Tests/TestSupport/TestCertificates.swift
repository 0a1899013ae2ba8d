package import Foundation

/// Certificates for a test, made by the openssl command: an authority, a certificate for a server and one for a client.
package struct TestCertificates: Sendable {
    private static let executable = ["/usr/bin/openssl", "/usr/local/bin/openssl"].first { FileManager.default.isExecutableFile(atPath: $0) }

    package static var isAvailable: Bool { self.executable != nil }

    package let directory: URL

    package var authority: String { self.path("ca.pem") }
    package var serverCertificate: String { self.path("server.pem") }
    package var serverKey: String { self.path("server.key") }
    package var clientCertificate: String { self.path("client.pem") }
    package var clientKey: String { self.path("client.key") }

    /// - Parameter names: subject alternative names of the server, e.g. `IP:127.0.0.1` or `DNS:localhost`.
    package init(names: String) throws {
        self.directory = FileManager.default.temporaryDirectory.appendingPathComponent("certificates-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: self.directory, withIntermediateDirectories: true)
        try self.run(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
            "-subj", "/CN=Test authority")
        try self.issue("server", extensions: "subjectAltName=\(names)")
        try self.issue("client", extensions: "extendedKeyUsage=clientAuth")
    }

    package func remove() {
        try? FileManager.default.removeItem(at: self.directory)
    }

    private func path(_ name: String) -> String { self.directory.appendingPathComponent(name).path }

    private func issue(_ name: String, extensions: String) throws {
        try TestFile.write(extensions, to: self.path("\(name).ext"))
        try self.run(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "\(name).key", "-out", "\(name).csr", "-subj",
            "/CN=\(name)")
        try self.run(
            "x509", "-req", "-in", "\(name).csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-out", "\(name).pem",
            "-extfile",
            "\(name).ext")
    }

    private func run(_ arguments: String...) throws {
        guard let executable = Self.executable else { throw TestProcessError(reason: "openssl is not installed") }
        let files = arguments.map { name in [".pem", ".key", ".csr", ".ext"].contains(where: name.hasSuffix) ? self.path(name) : name }
        let process = try SpawnedProcess(executable, files)
        _ = process.output.readDataToEndOfFile()
        let errors = process.errors.readDataToEndOfFile()
        guard process.wait() == 0 else { throw TestProcessError(reason: "openssl \(arguments): \(String(decoding: errors, as: UTF8.self))") }
    }
}
