import FactoryPlatform

/// Whether the platform can be asked, from its list of agents.
enum PlatformCheck {
    static func finding(_ event: RegistrationEvent) -> Finding {
        switch event {
        case .listed:
            return .ok(.platform, "answers")
        case .gone:
            return .fault(.platform, "has no list of agents", "Check FACTORY_PLATFORM_URL: the address of the platform, without a path.")
        case .refused:
            return .fault(.platform, "refuses to list its agents", "Check FACTORY_PLATFORM_URL: what answers may be another service.")
        case .failed(let reason) where reason.hasSuffix("401") || reason.hasSuffix("403"):
            return .fault(.platform, reason, "Set FACTORY_PLATFORM_AUTH=id-token, and let the service account call the platform.")
        case .failed(let reason):
            return .fault(.platform, reason, "Check FACTORY_PLATFORM_URL and the way there: egress, firewalls, whether the platform runs.")
        case .started, .waited, .saved:
            return .skipped(.platform, "was not asked")
        }
    }
}
