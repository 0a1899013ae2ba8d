import Access
import GoogleCloud
import Logging
import NIOPosix
import OperatingSystem
import ServiceLifecycle

/// Access control, and the services that keep its keys up to date.
struct AccessAssembly: Sendable {
    let control: AccessControl
    let services: [any Service]

    init(_ settings: AccessSettings, _ logger: Logger) {
        var services: [any Service] = []
        var verifier: IdentityTokenVerifier?
        if let tokens = settings.tokens {
            let server = SigningKeyServer(url: tokens.keysURL)
            let keys = SigningKeySource(logger: logger) { try await server.keys() }
            services.append(keys)
            verifier = IdentityTokenVerifier(keys: keys, audiences: tokens.audiences, issuers: tokens.issuers)
        }
        self.control = AccessControl(settings.keys, verifier: verifier, rememberedTokens: settings.tokens?.remembered ?? 1)
        if let watch = settings.watch {
            services.append(AccessKeyWatcher(control: self.control, settings: settings, watch: watch, logger: logger))
        }
        self.services = services
    }
}

/// Reloads the file of API keys when it changes, so that keys are added and removed without a restart.
///
/// A file that is invalid, empty or missing changes nothing: the previous keys are better than none, or than public access.
struct AccessKeyWatcher: Service {
    let control: AccessControl
    let settings: AccessSettings
    let watch: AccessSettings.Watch
    let logger: Logger

    func run() async throws {
        try? await cancelWhenGracefulShutdown {
            var known: [UInt8]? = self.watch.contents
            while true {
                try await Task.sleep(for: .seconds(self.watch.intervalSeconds))
                let path = self.watch.path
                let contents = try await NIOThreadPool.singleton.runIfActive { WholeFile.read(path, maximumBytes: AccessKeyFile.maximumBytes) }
                guard contents != known else { continue }
                known = contents
                self.reload(contents)
            }
        }
    }

    private func reload(_ contents: [UInt8]?) {
        guard let contents else {
            self.logger.error("the file of API keys cannot be read; the previous keys stay in use")
            return
        }
        do throws(AccessKeyFile.Faults) {
            let keys = try AccessKeyFile.parse(
                String(decoding: contents, as: UTF8.self), acceptsAccounts: self.settings.tokens != nil, makeBucket: self.settings.makeBucket)
            guard keys.count > 0 else { throw AccessKeyFile.Faults(lines: ["there is no key in it"]) }
            self.control.replace(keys)
            self.logger.notice("API keys replaced", metadata: ["access.keys": .stringConvertible(keys.count)])
        } catch {
            self.logger.error(
                "the file of API keys is wrong; the previous keys stay in use",
                metadata: ["access.faults": .array(error.lines.prefix(10).map { .string($0) })])
        }
    }
}
