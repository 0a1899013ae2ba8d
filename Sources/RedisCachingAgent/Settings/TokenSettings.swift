/// Which ID tokens are accepted.
struct TokenSettings: Sendable {
    let audiences: Set<String>
    let issuers: Set<String>
    let keysURL: String
    let remembered: Int

    /// - Returns: nil where none are.
    init?(_ reader: inout SettingReader) {
        self.remembered = reader.integer(SettingCatalogue.rememberedTokens)
        self.keysURL = reader.text(SettingCatalogue.tokenKeys) ?? ""
        self.issuers = Self.list(reader.text(SettingCatalogue.tokenIssuer))
        self.audiences = Self.list(reader.text(SettingCatalogue.tokenAudience))
        if !["https://", "http://"].contains(where: { self.keysURL.hasPrefix($0) }) {
            reader.add(SettingCatalogue.tokenKeys, "no https:// address")
        }
        if self.audiences.isEmpty { return nil }
    }

    private static func list(_ text: String?) -> Set<String> {
        Set((text ?? "").split { $0 == "," || $0 == " " }.map(String.init))
    }
}
