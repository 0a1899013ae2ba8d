/// Everything that is wrong with the settings, to be shown at once. Holds no value of a secret.
struct SettingFaults: Error {
    private(set) var faults: [String] = []

    var isEmpty: Bool { self.faults.isEmpty }

    /// What the operator reads.
    var lines: [String] { ["redis-caching-agent: \(self.faults.count) fault(s) in the settings:"] + self.faults.map { "  \($0)" } }

    mutating func add(_ setting: SettingDefinition, _ text: String) {
        self.faults.append("\(setting.name): \(text)")
    }
}
