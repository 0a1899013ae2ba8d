import Access
import ArgumentParser
import FactoryPlatform
import GoogleCloud
import Logging

/// Checks a configuration before it is deployed.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check the settings, Redis and the platform, and say how to fix each fault.",
        discussion: """
            Reads the settings of serve and serves nothing. In Redis it writes, reads and deletes one key of its own. Exits with 0 if there are warnings \
            at most, with 1 if there is a fault, and with 78 if a setting is wrong.
            """)

    @Flag(help: "Print the findings as JSON.")
    var json = false

    @Option(help: "Prefix of the key that is written, if the Redis user is confined to a key pattern.")
    var prefix = ""

    func run() async throws {
        let report: DoctorReport
        do {
            let settings = try AgentSettings.load()
            report = await Doctor(settings: settings, keyPrefix: self.prefix).report()
        } catch let faults as SettingFaults {
            report = Doctor.report(faults)
        }
        print(self.json ? report.json : report.table)
        guard report.exitStatus == 0 else { throw ExitCode(report.exitStatus) }
    }
}

/// Registers the service by hand.
struct RegisterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "register",
        abstract: "Register the service with the platform, as it does by itself, and print what was done.",
        discussion: "Takes FACTORY_PLATFORM_URL, SELF_URL and the other settings of serve. Exits with 1 if the platform does not accept it.")

    @Option(help: "How often to try again, at most.")
    var attempts = 10

    func run() async throws {
        let settings = try AgentSettings.loadOrExit()
        guard let registration = settings.registration else { throw ValidationError("FACTORY_PLATFORM_URL is not set") }
        let silent = Logger(label: "register", factory: { _ in SwiftLogNoOpLogHandler() })
        let parts = RegistrationAssembly(registration, MetadataServer(authority: settings.metadataHost), lock: nil, silent) { false }
        let report = try await parts.registration.register(attempts: self.attempts) { print($0) }
        guard report.state == .registered, let identifier = report.identifier else {
            print("not registered: \(report.fault ?? "no answer")")
            throw ExitCode.failure
        }
        print("registered and active: \(identifier)")
    }
}

/// Makes an API key.
struct AccessKeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "api-key", abstract: "Make an API key: its secret, and the line for API_KEYS_FILE.",
        discussion: "The secret is printed only once and not stored.")

    @Argument(help: "A name for it: letters, digits, '-', '_' and '.'.")
    var name: String

    @Option(help: "What it may do: read, write, invalidate, admin or all, separated by commas.")
    var scopes = "read,write"

    @Option(help: "Prefix that its cache keys must have.")
    var prefix: String?

    func run() throws {
        let key = NewAccessKey()
        let line = ([self.name, "sha256:\(key.digest.hex)", self.scopes] + (self.prefix.map { [$0] } ?? [])).joined(separator: " ")
        do {
            _ = try AccessKeyFile.parse(line)
        } catch {
            throw ValidationError(error.lines.joined(separator: "; "))
        }
        print("secret: \(key.secret)")
        print("line:   \(line)")
    }
}
