import AsyncHTTPClient
import CacheHTTP
import FactoryPlatform
import GoogleCloud
import Logging
import NIOCore

/// What registers the service with the platform.
struct RegistrationParts: Sendable {
    let registration: AgentRegistration

    /// - Parameters:
    ///   - lock: where instances agree on which of them does it.
    ///   - isDegraded: whether memory stands in for Redis at the moment.
    init(
        _ settings: RegistrationSettings, _ metadata: MetadataServer, lock: RedisRegistrationLock?, _ logger: Logger,
        isDegraded: @escaping @Sendable () async -> Bool
    ) {
        let server = Self.server(settings, metadata)
        self.registration = AgentRegistration(server: server, lock: lock, intervalSeconds: settings.intervalSeconds, logger: logger) {
            AgentDescription(
                name: settings.name, version: ServiceVersion.current, selfURL: settings.selfURL, repositoryURL: settings.repositoryURL,
                requirementsIdentifier: settings.requirementsIdentifier, isDegraded: await isDegraded())
        }
    }

    /// The platform, as it is asked by the settings.
    static func server(_ settings: RegistrationSettings, _ metadata: MetadataServer) -> PlatformServer {
        var token: (@Sendable () async throws -> String)?
        if settings.showsToken { token = { try await metadata.identityToken(audience: settings.platformURL) } }
        return PlatformServer(client: .outbound, url: settings.platformURL, timeout: .seconds(Int64(settings.timeoutSeconds)), token: token)
    }

    /// For `GET /health`.
    var health: @Sendable () -> RegistrationHealth {
        { [registration] in
            let report = registration.report
            return RegistrationHealth(state: report.state.rawValue, identifier: report.identifier)
        }
    }
}
