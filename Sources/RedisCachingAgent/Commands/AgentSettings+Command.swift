import ArgumentParser

extension AgentSettings {
    /// `EX_CONFIG` of sysexits.h.
    private static let configurationFault: Int32 = 78

    /// The settings for a command; where they are wrong every fault is printed, and the program ends.
    static func loadOrExit() async throws -> AgentSettings {
        do {
            return try await self.load()
        } catch let faults as SettingFaults {
            for line in faults.lines { writeToStandardError(line) }
            throw ExitCode(Self.configurationFault)
        }
    }
}
