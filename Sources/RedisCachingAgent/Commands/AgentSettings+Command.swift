import ArgumentParser

extension AgentSettings {
    /// `EX_CONFIG` of sysexits.h.
    static let configurationFault: Int32 = 78

    /// The settings for a command; if they are wrong, every fault is printed, and the program ends.
    static func loadOrExit() throws -> AgentSettings {
        do {
            return try self.load()
        } catch let faults as SettingFaults {
            for line in faults.lines { writeToStandardError(line) }
            throw ExitCode(Self.configurationFault)
        }
    }
}
