import NIOCore
import RESP
import RedisClient

/// Where Redis is and how long it may take, from the settings.
enum RedisSettings {
    /// The configuration; nil where no Redis is named.
    /// - Parameter valueBytes: the longest value that must be readable.
    static func configuration(_ reader: inout SettingReader, valueBytes: Int) -> RedisConfiguration? {
        let endpoint = self.endpoint(&reader)
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
            reader.add(SettingCatalogue.redisHost, error.description)
        }
        return configuration
    }

    private static func endpoint(_ reader: inout SettingReader) -> RedisConfiguration? {
        // Read in any case, so that a fault in one of them is told even where the URL wins.
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
