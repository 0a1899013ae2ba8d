import NIOCore
import OperatingSystem
import RedisClient

/// What a server presented in the TLS handshake, and what is required of it.
struct EncryptionFacts: Hashable, Sendable {
    enum Presented: Hashable, Sendable {
        /// Its own certificate first.
        case certificates([PresentedCertificate])
        case noTLS
        case noAnswer
    }

    let presented: Presented
    /// The subjects of the trusted authorities; nil for those of the system.
    let authorities: [String]?
    /// The name or address that the certificate should be for; nil if it is not checked.
    let expectedName: String?
    /// Seconds since 1970.
    let now: Int64
}

/// Whether the certificate is accepted, and why not.
enum EncryptionCheck {
    private static let secondsPerDay: Int64 = 86_400
    /// A certificate should be renewed when fewer days than this are left.
    private static let renewalDays: Int64 = 14

    /// - Parameter isAccepted: whether the service's own client accepted the certificate. It decides; the facts explain.
    static func finding(_ facts: EncryptionFacts, isAccepted: Bool) -> Finding {
        switch facts.presented {
        case .noAnswer:
            // A Redis without TLS takes the handshake for a line of text and waits for its end.
            return .fault(
                .encryption, "no answer to the TLS handshake", "The server may have no TLS on this port, or hang. \(self.portAdvice)")
        case .noTLS:
            return self.noTLS
        case .certificates(let certificates):
            guard let own = certificates.first else { return self.noTLS }
            return isAccepted ? self.accepted(certificates, facts) : self.rejected(own, certificates, facts)
        }
    }

    private static let portAdvice = "Use the TLS port (Memorystore: 6378), or redis:// and REDIS_TLS=off if the server has no TLS."
    private static let noTLS = Finding.fault(
        .encryption, "the server does not speak TLS on this port",
        portAdvice)

    private static func accepted(_ certificates: [PresentedCertificate], _ facts: EncryptionFacts) -> Finding {
        let days = ((certificates.map(\.notValidAfter).min() ?? 0) - facts.now) / self.secondsPerDay
        let text = "\(certificates.first?.subject ?? "") issued by \(certificates.first?.issuer ?? ""), expires in \(days) days"
        guard days >= self.renewalDays else { return .warning(.encryption, text, "Renew the certificate before it expires.") }
        return .ok(.encryption, text)
    }

    private static func rejected(_ own: PresentedCertificate, _ certificates: [PresentedCertificate], _ facts: EncryptionFacts) -> Finding {
        if certificates.contains(where: { $0.notValidAfter < facts.now }) {
            return .fault(.encryption, "the certificate \(own.subject) has expired", "Renew the server's certificate.")
        }
        if own.notValidBefore > facts.now {
            return .fault(.encryption, "the certificate \(own.subject) is not valid yet", "Check the clocks of this machine and of the server.")
        }
        let trusted = facts.authorities.map { $0.isEmpty ? "no authority" : $0.joined(separator: ", ") } ?? "the system's authorities"
        let authorityAdvice = "Set REDIS_TLS_CA_FILE to the certificate of the authority that issued it (Memorystore: server-ca.pem)."
        if let authorities = facts.authorities, !certificates.contains(where: { authorities.contains($0.issuer) }) {
            return .fault(.encryption, "\(own.subject) is issued by \(own.issuer), but trusted is \(trusted)", authorityAdvice)
        }
        if let name = facts.expectedName, !own.isFor(name) {
            let names = own.names.isEmpty ? "no host" : own.names.joined(separator: ", ")
            return .fault(
                .encryption, "the certificate is for \(names), not for \(name)",
                "Connect by a name of the certificate, set REDIS_TLS_SERVER_NAME, or REDIS_TLS_VERIFY=chain for a private authority.")
        }
        return .fault(
            .encryption, "\(own.subject), issued by \(own.issuer), is not accepted with \(trusted)",
            authorityAdvice + " If it is right, the server may require a client certificate: REDIS_TLS_CERT_FILE and REDIS_TLS_KEY_FILE.")
    }
}

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
