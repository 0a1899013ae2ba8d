import ArgumentParser

/// Checks a configuration before it is deployed.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check the settings, Redis and the platform, and say what to do about each fault.",
        discussion: """
            Takes the settings of serve and serves nothing. In Redis it writes, reads and deletes one key of its own. Exits with 0 if there are warnings \
            at most, with 1 if there is a fault, and with 78 if a setting is wrong.
            """)

    @Flag(help: "Print the findings as JSON.")
    var json = false

    @Option(help: "What the key that is written begins with, if the Redis user is confined to keys of a pattern.")
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
