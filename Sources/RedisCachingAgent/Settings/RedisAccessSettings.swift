import RedisClient

/// How to get in: encryption and credentials, from the settings.
struct RedisAccessSettings {
    private let passwordFile: String?
    private let usesGoogleIAM: Bool
    private let isEncrypted: Bool
    private var tls = RedisTLS()

    init(_ reader: inout SettingReader) {
        self.passwordFile = reader.text(SettingCatalogue.redisPasswordFile)
        self.usesGoogleIAM = reader.choice(SettingCatalogue.redisAuth) == "google-iam"
        self.isEncrypted = reader.choice(SettingCatalogue.redisTLS) == "on"
        if let file = reader.text(SettingCatalogue.redisTLSAuthorityFile) {
            self.tls.trust = .file(file)
        } else if let text = reader.raw(SettingCatalogue.redisTLSAuthority) {
            self.tls.trust = .pem(Array(text.utf8))
        }
        self.tls.verification = RedisTLS.Verification(rawValue: reader.choice(SettingCatalogue.redisTLSVerify)) ?? .full
        self.tls.serverName = reader.text(SettingCatalogue.redisTLSServerName)
        let certificate = reader.text(SettingCatalogue.redisTLSCertificateFile)
        let key = reader.text(SettingCatalogue.redisTLSKeyFile)
        switch (certificate, key) {
        case (let certificate?, let key?): self.tls.clientIdentity = .init(certificateFile: certificate, keyFile: key)
        case (nil, nil): break
        case (_?, nil): reader.add(SettingCatalogue.redisTLSCertificateFile, "needs \(SettingCatalogue.redisTLSKeyFile.name)")
        case (nil, _?): reader.add(SettingCatalogue.redisTLSKeyFile, "needs \(SettingCatalogue.redisTLSCertificateFile.name)")
        }
    }

    /// Completes the configuration, and checks what can be checked without Redis: the files are there and can be used.
    func apply(to configuration: inout RedisConfiguration, _ reader: inout SettingReader) {
        configuration.passwordFile = self.passwordFile
        configuration.hasPasswordProvider = self.usesGoogleIAM
        if configuration.user != nil, configuration.password == nil, self.passwordFile == nil, !self.usesGoogleIAM {
            reader.add(SettingCatalogue.redisUser, "needs a password")
        }
        if let file = self.passwordFile {
            do throws(RedisFailure) {
                _ = try RedisPassword(file: file)
            } catch {
                reader.add(SettingCatalogue.redisPasswordFile, error.logMessage ?? "")
            }
        }
        guard self.isEncrypted || configuration.tls != nil else { return }
        configuration.tls = self.tls
        do throws(RedisFailure) {
            try self.tls.check()
        } catch {
            reader.add(SettingCatalogue.redisTLS, error.logMessage ?? "")
        }
    }
}
