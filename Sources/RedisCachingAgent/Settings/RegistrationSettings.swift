/// Where the service registers itself, and under which name.
struct RegistrationSettings: Sendable {
    private static let longestName = 100
    private static let longestURL = 500

    let platformURL: String
    let selfURL: String
    let showsToken: Bool
    let timeoutSeconds: Int
    let intervalSeconds: Int
    let name: String
    let repositoryURL: String?
    let requirementsIdentifier: String?

    /// - Returns: nil if it does not.
    init?(_ reader: inout SettingReader) {
        self.showsToken = reader.choice(SettingCatalogue.platformAuth) == "id-token"
        self.timeoutSeconds = reader.integer(SettingCatalogue.platformTimeout)
        self.intervalSeconds = reader.integer(SettingCatalogue.platformInterval)
        self.name = reader.text(SettingCatalogue.agentName) ?? ""
        self.repositoryURL = Self.url(SettingCatalogue.agentRepository, &reader)
        self.requirementsIdentifier = reader.text(SettingCatalogue.agentRequirements)
        self.selfURL = Self.url(SettingCatalogue.selfURL, &reader) ?? ""
        self.platformURL = Self.url(SettingCatalogue.platformURL, &reader) ?? ""
        if self.name.unicodeScalars.count > Self.longestName || self.name.allSatisfy(\.isWhitespace) {
            reader.add(SettingCatalogue.agentName, "not 1 to \(Self.longestName) characters")
        }
        guard !self.platformURL.isEmpty else { return nil }
        if self.selfURL.isEmpty { reader.add(SettingCatalogue.selfURL, "is needed with FACTORY_PLATFORM_URL") }
    }

    private static func url(_ setting: SettingDefinition, _ reader: inout SettingReader) -> String? {
        guard let text = reader.text(setting) else { return nil }
        let isURL = ["https://", "http://"].contains { text.hasPrefix($0) && text.count > $0.count }
        guard isURL, text.utf8.count <= self.longestURL, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            reader.add(setting, "no address that begins with https://, at most \(self.longestURL) characters")
            return nil
        }
        return text
    }
}
