import Access
import GoogleCloud
import Logging
import ServiceLifecycle

/// What decides who may ask, and what keeps it up to date.
struct AccessParts: Sendable {
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
