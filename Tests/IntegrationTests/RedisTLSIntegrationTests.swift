import Foundation
import NIOCore
import RESP
import TestSupport
import Testing

@testable import RedisClient

/// TLS with real servers: whom we believe, and what is said when we do not.
@Suite(.enabled(if: RedisServerProcess.isAvailable && TestCertificates.isAvailable, "needs redis-server and openssl"), .timeLimit(.minutes(5)))
struct RedisTLSIntegrationTests {
    private func withServer(
        names: String = "IP:127.0.0.1", clients: String = "no",
        _ body: (RedisServerProcess, TestCertificates, RedisConfiguration) async throws -> Void
    ) async throws {
        let certificates = try TestCertificates(names: names)
        defer { certificates.remove() }
        let server = try RedisServerProcess(encrypted: certificates, clients: clients)
        defer { server.stop() }
        var configuration = RedisConfiguration(endpoint: .tcp(host: "127.0.0.1", port: server.port))
        configuration.commandDeadline = .seconds(5)
        configuration.deadConnectionTimeout = .seconds(5)
        configuration.connectTimeout = .seconds(10)
        configuration.tls = RedisTLS()
        configuration.tls?.trust = .file(certificates.authority)
        try await body(server, certificates, configuration)
    }

    private func works(_ configuration: RedisConfiguration) async throws {
        let connection = try await LiveConnection.open(configuration)
        let key = ByteBuffer(string: "k")
        #expect(try await connection.set(key, ByteBuffer(string: "v")) == .simpleOK)
        #expect(try await connection.get(key) == .bulkString(ByteBuffer(string: "v")))
        try await connection.close()
    }

    private func failure(_ configuration: RedisConfiguration) async throws -> RedisFailure? {
        let connection = try await LiveConnection.start(configuration)
        let failure = await connection.untilLost()
        try await connection.close()
        return failure
    }

    @Test func anAddressInTheCertificate() async throws {
        try await self.withServer { _, certificates, configuration in
            try await self.works(configuration)
            var pem = configuration
            pem.tls?.trust = .pem(Array(try Data(contentsOf: URL(fileURLWithPath: certificates.authority))))
            try await self.works(pem)
        }
    }

    /// A node of a cluster has to show a certificate for the address that it was announced with, unless one name is set for all.
    @Test func aConnectionThatIsMovedToAnotherNode() async throws {
        try await self.withServer(names: "DNS:localhost") { server, _, configuration in
            var named = configuration
            named.endpoint = .tcp(host: "localhost", port: server.port)
            let address = configuration.endpoint
            for (serverName, isAccepted) in [(nil, false), ("localhost", true)] as [(String?, Bool)] {
                named.tls?.serverName = serverName
                let connection = try await LiveConnection.open(named)
                try await connection.onLoop { connection in
                    connection.move(to: address)
                    connection.disconnect()
                    connection.connect()
                }
                if isAccepted {
                    #expect(await connection.untilReady() != nil)
                } else {
                    #expect(await connection.untilLost()?.code == .tlsFailed)
                }
                try await connection.close()
            }
        }
    }

    /// Memorystore offers up to three authorities while they rotate.
    @Test func oneOfSeveralAuthorities() async throws {
        let other = try TestCertificates(names: "IP:127.0.0.1")
        defer { other.remove() }
        try await self.withServer { _, certificates, configuration in
            var several = configuration
            let texts = try [other.authority, certificates.authority].map { try String(contentsOfFile: $0, encoding: .utf8) }
            several.tls?.trust = .pem(Array(texts.joined(separator: "\n").utf8))
            try await self.works(several)
        }
    }

    @Test func anotherAuthorityIsNotBelieved() async throws {
        let other = try TestCertificates(names: "IP:127.0.0.1")
        defer { other.remove() }
        try await self.withServer { _, _, configuration in
            for trust in [RedisTLS.Trust.file(other.authority), .systemRoots] {
                for verification in RedisTLS.Verification.allCases {
                    var wrong = configuration
                    wrong.tls?.trust = trust
                    wrong.tls?.verification = verification
                    let failure = try await self.failure(wrong)
                    #expect(failure?.code == .tlsFailed)
                }
            }
        }
    }

    /// As with Memorystore: the certificate names no address, the chain is checked all the same.
    @Test func aCertificateForAnotherName() async throws {
        try await self.withServer(names: "DNS:redis.example") { _, _, configuration in
            #expect(try await self.failure(configuration)?.code == .tlsFailed)
            var chain = configuration
            chain.tls?.verification = .chain
            try await self.works(chain)
            var named = configuration
            named.tls?.serverName = "redis.example"
            try await self.works(named)
            named.tls?.serverName = "other.example"
            #expect(try await self.failure(named)?.code == .tlsFailed)
        }
    }

    @Test func aClientCertificate() async throws {
        try await self.withServer(clients: "yes") { _, certificates, configuration in
            let refusal = try await self.failure(configuration)
            #expect(refusal != nil)
            var known = configuration
            known.tls?.clientIdentity = .init(certificateFile: certificates.clientCertificate, keyFile: certificates.clientKey)
            try await self.works(known)
        }
    }

    @Test func anAuthorityThatIsReplacedIsReadAnew() async throws {
        let other = try TestCertificates(names: "IP:127.0.0.1")
        defer { other.remove() }
        try await self.withServer { _, certificates, configuration in
            let file = other.directory.appendingPathComponent("trusted.pem").path
            try FileManager.default.copyItem(atPath: other.authority, toPath: file)
            var rotating = configuration
            rotating.tls?.trust = .file(file)
            let connection = try await LiveConnection.start(rotating)
            #expect(await connection.untilLost()?.code == .tlsFailed)
            try TestFile.write(String(contentsOfFile: certificates.authority, encoding: .utf8), to: file)
            await connection.untilReady()
            try await connection.close()
        }
    }

    @Test func filesThatCannotBeUsed() throws {
        let certificates = try TestCertificates(names: "IP:127.0.0.1")
        let other = try TestCertificates(names: "IP:127.0.0.1")
        defer {
            certificates.remove()
            other.remove()
        }
        func message(_ change: (inout RedisTLS) -> Void) -> String? {
            var tls = RedisTLS()
            change(&tls)
            do throws(RedisFailure) {
                _ = try tls.makeContext()
                return nil
            } catch {
                return error.logMessage
            }
        }
        #expect(message { _ in } == nil)
        #expect(message { $0.trust = .file("/nowhere/ca.pem") } == "the file of certificate authorities cannot be read or used")
        #expect(message { $0.trust = .pem(Array("no certificate".utf8)) } == "the certificate authority cannot be read or used")
        let matching = RedisTLS.ClientIdentity(certificateFile: certificates.clientCertificate, keyFile: certificates.clientKey)
        #expect(message { $0.clientIdentity = matching } == nil)
        let mixed = RedisTLS.ClientIdentity(certificateFile: certificates.clientCertificate, keyFile: other.clientKey)
        #expect(message { $0.clientIdentity = mixed } == "the combination of client certificate and key cannot be read or used")
    }

    /// A hanging server must not keep us: the connection is left at once, without the goodbye of TLS.
    @Test func aHangingServerIsLeft() async throws {
        try await self.withServer { server, _, configuration in
            var impatient = configuration
            impatient.commandDeadline = .milliseconds(30)
            impatient.deadConnectionTimeout = .milliseconds(200)
            impatient.connectTimeout = .milliseconds(200)
            let connection = try await LiveConnection.open(impatient)
            server.pause()
            await #expect(throws: RedisFailure.deadlineExceeded) { try await connection.get(ByteBuffer(string: "k")) }
            #expect(await connection.untilLost()?.code == .unresponsive)
            #expect(await connection.untilLost()?.code == .unresponsive)
            server.resume()
            await connection.untilReady()
            try await connection.close()
        }
    }
}
