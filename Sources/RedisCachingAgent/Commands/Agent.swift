import ArgumentParser
import CacheHTTP

/// The program: an HTTP cache in front of Redis.
@main
struct Agent: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "redis-caching-agent",
        abstract: "An HTTP cache in front of Redis, with an embedded store for when there is none.",
        discussion: "Settings come from the environment, from CONFIG_FILE and from SECRETS_DIRECTORY; `settings` lists them.",
        version: ServiceVersion.current,
        subcommands: [
            ServeCommand.self, HealthcheckCommand.self, SettingsCommand.self, MetricsCommand.self, AccessKeyCommand.self, RegisterCommand.self,
            DoctorCommand.self,
        ],
        defaultSubcommand: ServeCommand.self
    )
}
