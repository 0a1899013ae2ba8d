import Access
import OperatingSystem

/// Who may use the service.
struct AccessSettings: Sendable {
    /// A file of keys to watch for changes.
    struct Watch: Sendable {
        let path: String
        let intervalSeconds: Int
        /// Its contents at the start.
        let contents: [UInt8]
    }

    let keys: AccessKeyRing
    let watch: Watch?
    /// Limits the rate of each key; nil for no limit.
    let makeBucket: (@Sendable () -> TokenBucket)?
    /// Which ID tokens are accepted; nil for none.
    let tokens: TokenSettings?

    /// - Returns: nil if everybody may.
    init?(_ reader: inout SettingReader) {
        let interval = reader.integer(SettingCatalogue.apiKeysRefresh)
        let rate = reader.integer(SettingCatalogue.rateLimit)
        let burst = reader.integer(SettingCatalogue.rateBurst)
        var makeBucket: (@Sendable () -> TokenBucket)?
        if rate > 0 { makeBucket = { TokenBucket(perSecond: rate, burst: burst) } }
        self.makeBucket = makeBucket
        self.tokens = TokenSettings(&reader)
        let isRequired = reader.choice(SettingCatalogue.requireAuth) == "true"
        if let path = reader.text(SettingCatalogue.apiKeysFile) {
            guard let contents = WholeFile.read(path, maximumBytes: AccessKeyFile.maximumBytes) else {
                reader.add(SettingCatalogue.apiKeysFile, "the file cannot be read")
                return nil
            }
            guard
                let keys = Self.keys(String(decoding: contents, as: UTF8.self), SettingCatalogue.apiKeysFile, self.tokens != nil, makeBucket, &reader)
            else {
                return nil
            }
            self.keys = keys
            self.watch = Watch(path: path, intervalSeconds: interval, contents: contents)
        } else if let text = reader.raw(SettingCatalogue.apiKeys) {
            guard
                let keys = Self.keys(
                    text.split(separator: ";").joined(separator: "\n"), SettingCatalogue.apiKeys, self.tokens != nil, makeBucket, &reader)
            else { return nil }
            self.keys = keys
            self.watch = nil
        } else {
            if isRequired { reader.add(SettingCatalogue.requireAuth, "there are no API keys: set API_KEYS_FILE or API_KEYS") }
            return nil
        }
    }

    private static func keys(
        _ text: String, _ setting: SettingDefinition, _ acceptsAccounts: Bool, _ makeBucket: (@Sendable () -> TokenBucket)?,
        _ reader: inout SettingReader
    ) -> AccessKeyRing? {
        do {
            let keys = try AccessKeyFile.parse(text, acceptsAccounts: acceptsAccounts, makeBucket: makeBucket)
            guard keys.count > 0 else {
                reader.add(setting, "there is no key in it")
                return nil
            }
            return keys
        } catch {
            for line in error.lines { reader.add(setting, line) }
            return nil
        }
    }
}

/// Which ID tokens are accepted.
struct TokenSettings: Sendable {
    let audiences: Set<String>
    let issuers: Set<String>
    let keysURL: String
    let remembered: Int

    /// - Returns: nil if none are.
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
