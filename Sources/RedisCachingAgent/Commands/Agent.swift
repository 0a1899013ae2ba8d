import ArgumentParser
import CacheAPI

#if canImport(Glibc)
import Console
import Glibc
#else
import Darwin
#endif

/// The program: an HTTP cache in front of Redis.
@main
struct Agent: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "redis-caching-agent",
        abstract: "An HTTP cache in front of Redis, with an embedded store in case Redis is unavailable.",
        discussion: "Settings come from the environment, from CONFIG_FILE and from SECRETS_DIRECTORY; `settings` lists them.",
        version: ServiceVersion.current,
        subcommands: [
            ServeCommand.self, HealthcheckCommand.self, SettingsCommand.self, MetricsCommand.self, AccessKeyCommand.self, RegisterCommand.self,
            DoctorCommand.self,
        ],
        defaultSubcommand: ServeCommand.self
    )
}

/// Serves until SIGTERM or SIGINT.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "serve", abstract: "Serve the cache over HTTP (the default).")

    func run() async throws {
        let settings = try AgentSettings.loadOrExit()
        do {
            try await AgentService(settings: settings).run()
        } catch let failure as StartFailure {
            writeToStandardError("redis-caching-agent: \(failure.message)")
            throw ExitCode(EXIT_FAILURE)
        }
    }
}

/// Writes one line to standard error.
func writeToStandardError(_ line: String) {
    var bytes = Array(line.utf8)
    bytes.append(UInt8(ascii: "\n"))
    _ = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
}

/// Prints `docs/settings.md`.
struct SettingsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "settings", abstract: "Print every setting as a Markdown page.")

    func run() {
        print(SettingCatalogue.markdownPage)
    }
}

/// Prints every metric.
struct MetricsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "metrics", abstract: "Print every metric as a Markdown table.")

    func run() {
        print(MetricCatalogue.markdownTable)
    }
}

extension AgentSettings {
    /// `EX_CONFIG` of sysexits.h.
    static let configurationFault: Int32 = 78

    /// The settings for a command. If they are wrong, all errors are printed and the program exits.
    static func loadOrExit() throws -> AgentSettings {
        do {
            return try self.load()
        } catch let faults as SettingFaults {
            for line in faults.lines { writeToStandardError(line) }
            throw ExitCode(Self.configurationFault)
        }
    }
}
