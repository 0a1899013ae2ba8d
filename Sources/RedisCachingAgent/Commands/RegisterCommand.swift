import ArgumentParser
import FactoryPlatform
import GoogleCloud
import Logging

/// Registers the service by hand.
struct RegisterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "register",
        abstract: "Register the service with the platform, as it does by itself, and print what was done.",
        discussion: "Takes FACTORY_PLATFORM_URL, SELF_URL and the other settings of serve. Exits with 1 where the platform does not take it.")

    @Option(help: "How often to try again, at most.")
    var attempts = 10

    func run() async throws {
        let settings = try AgentSettings.loadOrExit()
        guard let registration = settings.registration else { throw ValidationError("FACTORY_PLATFORM_URL is not set") }
        let silent = Logger(label: "register", factory: { _ in SwiftLogNoOpLogHandler() })
        let parts = RegistrationParts(registration, MetadataServer(authority: settings.metadataHost), lock: nil, silent) { false }
        let report = try await parts.registration.register(attempts: self.attempts) { print($0) }
        guard report.state == .registered, let identifier = report.identifier else {
            print("not registered: \(report.fault ?? "no answer")")
            throw ExitCode.failure
        }
        print("registered and active: \(identifier)")
    }
}
