package import NIOCore
import NIOPosix
import NIOSSL
import SwiftASN1
import X509

/// The content of a certificate that a server presents. None of it is verified.
package struct PresentedCertificate: Hashable, Sendable {
    package var subject: String
    package var issuer: String
    /// The DNS names and IP addresses it was issued for.
    package var names: [String]
    /// Seconds since 1970.
    package var notValidBefore: Int64
    package var notValidAfter: Int64

    package init(subject: String, issuer: String, names: [String], notValidBefore: Int64, notValidAfter: Int64) {
        self.subject = subject
        self.issuer = issuer
        self.names = names
        self.notValidBefore = notValidBefore
        self.notValidAfter = notValidAfter
    }

    init(_ certificate: NIOSSLCertificate) throws {
        let parsed = try Certificate(derEncoded: certificate.toDERBytes())
        let names = try parsed.extensions.subjectAlternativeNames?.compactMap { name -> String? in
            switch name {
            case .dnsName(let name): name
            case .ipAddress(let bytes): try? SocketAddress(packedIPAddress: ByteBuffer(bytes: bytes.bytes), port: 0).ipAddress
            default: nil
            }
        }
        self.init(
            subject: parsed.subject.description, issuer: parsed.issuer.description, names: names ?? [],
            notValidBefore: Int64(certificate.notValidBefore), notValidAfter: Int64(certificate.notValidAfter))
    }

    /// Whether it was issued for this host: a name, `*.` for one label (RFC 9525, 6.3), or an address.
    package func isFor(_ host: String) -> Bool {
        let host = host.lowercased()
        return self.names.contains { name in
            let name = name.lowercased()
            guard name.hasPrefix("*."), let dot = host.firstIndex(of: ".") else { return name == host }
            return host[dot...] == name.dropFirst(1)
        }
    }
}

extension RedisTLS {
    /// The subjects of the trusted authorities; nil for those of the system. Blocks.
    package func authorities() throws(RedisFailure) -> [String]? {
        guard case .certificates(let certificates) = try self.trustRoots() else { return nil }
        return certificates.map { certificate in (try? PresentedCertificate(certificate).subject) ?? "an authority" }
    }

    /// The certificates that a server presents, its own first. They are not verified, so that the caller can say what is wrong with them. The
    /// connection is closed as soon as they arrive; no data is sent over it.
    ///
    /// - Parameter timeout: for the connection, and again for the handshake.
    /// - Throws: `ChannelError.connectTimeout` if the server does not answer, another error if it does not speak TLS.
    package func presentedCertificates(host: String, port: Int, timeout: TimeAmount) async throws -> [PresentedCertificate] {
        let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        let context = try await NIOThreadPool.singleton.runIfActive { try self.makeContext() }
        let name = self.expectedName(host: host)
        let promise = eventLoop.makePromise(of: [NIOSSLCertificate].self)
        let channel: any Channel
        do {
            channel = try await ClientBootstrap(group: eventLoop)
                .connectTimeout(timeout)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let encryption = try NIOSSLClientHandler(
                            context: context, serverHostname: name,
                            customVerificationCallback: { certificates, verification in
                                promise.succeed(certificates)
                                verification.succeed(.failed)
                            })
                        try channel.pipeline.syncOperations.addHandlers(encryption, FailedHandshake(promise: promise))
                    }
                }
                .connect(host: host, port: port).get()
        } catch {
            promise.fail(error)
            throw error
        }
        let limit = eventLoop.scheduleTask(in: timeout) { promise.fail(ChannelError.connectTimeout(timeout)) }
        defer {
            limit.cancel()
            channel.close(promise: nil)
        }
        return try await promise.futureResult.get().map { try PresentedCertificate($0) }
    }
}

/// Fails the promise if the handshake ends before the certificates arrive.
private final class FailedHandshake: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let promise: EventLoopPromise<[NIOSSLCertificate]>

    init(promise: EventLoopPromise<[NIOSSLCertificate]>) {
        self.promise = promise
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.promise.fail(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.promise.fail(ChannelError.eof)
        context.fireChannelInactive()
    }
}
