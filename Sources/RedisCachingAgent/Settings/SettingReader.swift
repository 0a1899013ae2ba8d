import Configuration

/// Reads settings and collects their errors. A wrong value yields the default, so that reading continues.
struct SettingReader {
    private let reader: ConfigReader
    private(set) var faults: SettingFaults

    /// - Parameter faults: the errors found so far.
    init(_ reader: ConfigReader, faults: SettingFaults = SettingFaults()) {
        self.reader = reader
        self.faults = faults
    }

    /// The setting's text; nil if it is absent or empty. The newline at the end of a file is not part of the value.
    func raw(_ setting: SettingDefinition) -> String? {
        let isSecret = if case .secret = setting.kind { true } else { false }
        guard var text = self.reader.string(forKey: ConfigKey([setting.name]), isSecret: isSecret) else { return nil }
        while text.last?.isNewline == true { text.removeLast() }
        return text.isEmpty ? nil : text
    }

    mutating func integer(_ setting: SettingDefinition, default computed: Int? = nil) -> Int {
        guard case .integer(let fixed, let range, _, _) = setting.kind else { return 0 }
        let fallback = fixed ?? computed ?? range.lowerBound
        guard let text = self.raw(setting) else { return fallback }
        guard let number = Int(text) else {
            self.faults.add(setting, "\(Self.quoted(text)) is not a whole number")
            return fallback
        }
        guard range.contains(number) else {
            self.faults.add(setting, "\(number) is not in the range \(range.lowerBound) to \(range.upperBound)")
            return fallback
        }
        return number
    }

    mutating func text(_ setting: SettingDefinition) -> String? {
        guard let text = self.raw(setting) else {
            if case .text(let fallback) = setting.kind { return fallback }
            return nil
        }
        return text
    }

    mutating func choice(_ setting: SettingDefinition) -> String {
        guard case .choice(let fallback, let words) = setting.kind else { return "" }
        guard let text = self.raw(setting)?.lowercased() else { return fallback }
        guard words.contains(text) else {
            self.faults.add(setting, "\(Self.quoted(text)) is none of \(words.joined(separator: ", "))")
            return fallback
        }
        return text
    }

    mutating func add(_ setting: SettingDefinition, _ text: String) {
        self.faults.add(setting, text)
    }

    /// A value as a message may show it: short, and without control characters.
    private static func quoted(_ text: String) -> String { "'\(self.shown(text))'" }

    /// Short, and without control characters.
    static func shown(_ text: String) -> String {
        String(text.unicodeScalars.prefix(40).map { $0.value < 0x20 || $0.value == 0x7f ? "?" : Character($0) })
    }
}

/// All errors in the settings, to be reported together. Contains no secret.
struct SettingFaults: Error {
    private(set) var faults: [String] = []

    var isEmpty: Bool { self.faults.isEmpty }

    /// The report for the operator.
    var lines: [String] { ["redis-caching-agent: \(self.faults.count) fault(s) in the settings:"] + self.faults.map { "  \($0)" } }

    mutating func add(_ setting: SettingDefinition, _ text: String) {
        self.faults.append("\(setting.name): \(text)")
    }
}
