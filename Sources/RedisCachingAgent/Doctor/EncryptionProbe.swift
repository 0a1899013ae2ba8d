import NIOCore
import OperatingSystem
import RedisClient

/// Looks at the certificates of the server.
enum EncryptionProbe {
    /// - Returns: nil without encryption.
    static func facts(of configuration: RedisConfiguration) async -> EncryptionFacts? {
        guard let tls = configuration.tls, case .tcp(let host, let port) = configuration.endpoint else { return nil }
        let presented: EncryptionFacts.Presented
        do {
            presented = .certificates(try await tls.presentedCertificates(host: host, port: port, timeout: configuration.connectTimeout))
        } catch ChannelError.connectTimeout {
            presented = .noAnswer
        } catch {
            presented = .noTLS
        }
        return EncryptionFacts(
            presented: presented, authorities: try? tls.authorities(),
            expectedName: tls.verification == .full ? tls.serverName ?? host : nil, now: Int64(WallClock.now().seconds))
    }
}
