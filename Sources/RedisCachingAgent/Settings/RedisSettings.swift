import NIOCore
import RESP
import RedisClient

/// Where Redis is and how long it may take, from the settings.
enum RedisSettings {
    /// The configuration; nil if no Redis is configured.
    /// - Parameter valueBytes: the longest value that must be readable.
    static func configuration(_ reader: inout SettingReader, valueBytes: Int) -> RedisConfiguration? {
        let endpoint = self.endpoint(&reader)
        let clusterMode = RedisClusterMode(rawValue: reader.choice(SettingCatalogue.redisCluster)) ?? .auto
        let shards = reader.integer(SettingCatalogue.redisMaximumShards)
        let deadline = self.milliseconds(SettingCatalogue.redisDeadline, &reader)
        let connect = self.milliseconds(SettingCatalogue.redisConnectTimeout, &reader)
        let dead = self.milliseconds(SettingCatalogue.redisDeadTimeout, &reader)
        let pending = reader.integer(SettingCatalogue.redisPending)
        let control = self.milliseconds(SettingCatalogue.redisControlDeadline, &reader)
        let keepAlive = TimeAmount.seconds(Int64(reader.integer(SettingCatalogue.redisKeepAlive)))
        if dead < deadline { reader.add(SettingCatalogue.redisDeadTimeout, "is less than \(SettingCatalogue.redisDeadline.name)") }
        let access = RedisAccessSettings(&reader)
        guard var configuration = endpoint else { return nil }
        access.apply(to: &configuration, &reader)
        configuration.clusterMode = clusterMode
        configuration.maximumShards = shards
        configuration.commandDeadline = deadline
        configuration.connectTimeout = connect
        configuration.deadConnectionTimeout = dead
        configuration.maximumPendingCommands = pending
        configuration.controlDeadline = control
        configuration.keepAliveInterval = keepAlive
        configuration.responseLimits.maximumBulkBytes = max(configuration.responseLimits.maximumBulkBytes, valueBytes)
        // Room for some of the largest values at once; a command above the bound would never be accepted.
        configuration.maximumBatchBytes = max(configuration.maximumBatchBytes, 4 * valueBytes)
        do throws(RedisConfigurationError) {
            try configuration.validate()
        } catch {
            reader.add(error.code == .invalidCluster ? SettingCatalogue.redisCluster : SettingCatalogue.redisHost, error.description)
        }
        return configuration
    }

    private static func endpoint(_ reader: inout SettingReader) -> RedisConfiguration? {
        // Read in any case, so that errors in them are reported even if the URL wins.
        let port = reader.integer(SettingCatalogue.redisPort)
        let database = reader.integer(SettingCatalogue.redisDatabase)
        let user = reader.text(SettingCatalogue.redisUser)
        let password = reader.raw(SettingCatalogue.redisPassword).map { RedisPassword($0) }
        if let url = reader.raw(SettingCatalogue.redisURL) {
            do throws(RedisConfigurationError) {
                var configuration = try RedisURL.parse(url)
                if configuration.password == nil {
                    configuration.user = configuration.user ?? user
                    configuration.password = password
                }
                return configuration
            } catch {
                reader.add(SettingCatalogue.redisURL, error.description)
                return nil
            }
        }
        guard let host = reader.text(SettingCatalogue.redisHost) else { return nil }
        return RedisConfiguration(
            endpoint: .tcp(host: host, port: port),
            user: user,
            password: password,
            database: database
        )
    }

    private static func milliseconds(_ setting: SettingDefinition, _ reader: inout SettingReader) -> TimeAmount {
        .milliseconds(Int64(reader.integer(setting)))
    }
}

/// Encryption and credentials, from the settings.
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

    /// Completes the configuration, and checks that the files exist and are usable.
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
