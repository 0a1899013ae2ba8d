import Cache
import CacheAPI
import FactoryPlatform
import GoogleCloud
import Logging
import NIOCore
import RESP
import RedisClient

/// Registers the service with the platform.
struct RegistrationAssembly: Sendable {
    let registration: AgentRegistration

    /// - Parameters:
    ///   - lock: lets one of several instances do it; nil if each may.
    ///   - isDegraded: whether the embedded store currently stands in for Redis.
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

    /// The platform, as the settings describe it.
    static func server(_ settings: RegistrationSettings, _ metadata: MetadataServer) -> PlatformServer {
        var token: (@Sendable () async throws -> String)?
        if settings.showsToken { token = { try await metadata.identityToken(audience: settings.platformURL) } }
        return PlatformServer(url: settings.platformURL, timeout: .seconds(Int64(settings.timeoutSeconds)), token: token)
    }

    /// For `GET /health`.
    var health: @Sendable () -> RegistrationHealth {
        { [registration] in
            let report = registration.report
            return RegistrationHealth(state: report.state.rawValue, identifier: report.identifier)
        }
    }
}

/// A key in Redis that one instance sets, and that expires.
struct RedisRegistrationLock: RegistrationLock {
    let control: ClusterControl
    let key: String
    let instance: String

    func acquire() async -> RegistrationLockOutcome {
        let command: [RESPArgument] = [
            .bytes(Array("SET".utf8)), .bytes(Array(self.key.utf8)), .bytes(Array("\"\(self.instance)\"".utf8)), .bytes(Array("NX".utf8)),
            .bytes(Array("EX".utf8)), .bytes(Array("\(AgentRegistration.lockSeconds)".utf8)),
        ]
        guard case .success(let reply) = await self.control.perform(command, key: Array(self.key.utf8)) else { return .unavailable }
        return if case .null = reply { .held } else { .acquired }
    }
}
