/// Settings that are explained together: a heading of `docs/settings.md`.
struct SettingTopic: Sendable {
    let title: String
    let settings: [SettingDefinition]
}

/// The order of the documentation, and the page itself.
extension SettingCatalogue {
    static let topics: [SettingTopic] = [
        SettingTopic(title: "Listening", settings: [host, port]),
        SettingTopic(
            title: "Redis: address and credentials",
            settings: [redisURL, redisHost, redisPort, redisDatabase, redisUser, redisPassword, redisPasswordFile, redisAuth]),
        SettingTopic(
            title: "Redis: TLS",
            settings: [
                redisTLS, redisTLSAuthority, redisTLSAuthorityFile, redisTLSVerify, redisTLSServerName, redisTLSCertificateFile, redisTLSKeyFile,
            ]),
        SettingTopic(title: "Redis: cluster", settings: [redisCluster, redisMaximumShards]),
        SettingTopic(
            title: "Redis: time and limits",
            settings: [
                redisDeadline, redisConnectTimeout, redisDeadTimeout, redisControlDeadline, redisKeepAlive, redisReconnectBase, redisReconnectCap,
                redisPending, redisStartupWait,
            ]),
        SettingTopic(
            title: "Outages",
            settings: [
                redisDeadlinesInARow, outageWrites, journalKeys, journalPatterns, journalBytes, recentWritesSpan, recentWritesBytes, outageBarrier,
                outageReads, outageStaleLimit,
            ]),
        SettingTopic(
            title: "Near cache",
            settings: [nearMode, nearBytes, nearValueBytes, nearMaximumAge, nearAbsenceAge, nearTimeToLive, nearSignOfLife, nearPushedKeys]),
        SettingTopic(title: "Embedded store", settings: [memoryBytes, memoryShards]),
        SettingTopic(title: "Keys and values", settings: [keyBytes, valueBytes, ttlSeconds, jsonDepth, batchOperations, batchResponseBytes]),
        SettingTopic(
            title: "Access",
            settings: [
                apiKeysFile, apiKeys, apiKeysRefresh, requireAuth, rateLimit, rateBurst, tokenAudience, tokenIssuer, tokenKeys, rememberedTokens,
                corsOrigins,
            ]),
        SettingTopic(
            title: "Connections and requests",
            settings: [
                maximumConnections, maximumConnectionsPerPeer, http2, maximumStreams, maximumAbuse, requestsInFlight, maximumProbes,
                maximumInvalidations, leaseWaiters, headerFields, headBytes, targetBytes, pipelineBytes, unsentBytes, totalUnsentBytes,
                totalReceivedBytes, idleTimeout, requestTimeout, lingerTimeout,
            ]),
        SettingTopic(title: "Shutdown", settings: [shutdownGrace, lastRequest, lastAnswer]),
        SettingTopic(title: "Event loops", settings: [eventLoops, eventLoopScheduling, fastLane]),
        SettingTopic(
            title: "Log", settings: [logLevel, logFormat, logBufferBytes, accessLog, accessLogSample, accessLogSlow, accessLogLines, environment]),
        SettingTopic(title: "Metrics and pages", settings: [metrics, metricsAccess, metricsPort, documentationDirectory]),
        SettingTopic(title: "Google Cloud", settings: [googleCloudProject, metadataHost]),
        SettingTopic(
            title: "Registration with the platform",
            settings: [platformURL, selfURL, platformAuth, platformTimeout, platformInterval, agentName, agentRepository, agentRequirements]),
        SettingTopic(title: "Sources of settings", settings: [configFile, secretsDirectory]),
    ]

    /// In the order of the documentation.
    static let all: [SettingDefinition] = topics.flatMap(\.settings)

    /// `docs/settings.md` as a whole.
    static var markdownPage: String {
        let introduction = """
            # Settings

            Generated from the program: `redis-caching-agent settings > docs/settings.md`.

            The environment takes precedence over `SECRETS_DIRECTORY`, and that over `CONFIG_FILE`. An empty value counts as absent. All settings are
            checked at start; all errors are reported together, and the exit status is 78. Secrets are never printed.

            A name in `SECRETS_DIRECTORY` or `CONFIG_FILE` that is not a setting is an error, reported with the nearest name. Files that another setting
            names (`REDIS_PASSWORD_FILE`), directories, and files whose names begin with a dot are ignored. In the environment, which belongs to other
            programs too, a name that is almost a setting is a warning in the log.
            """
        return ([introduction] + self.topics.map(\.markdownSection)).joined(separator: "\n\n")
    }
}

extension SettingTopic {
    fileprivate var markdownSection: String {
        let head = "## \(self.title)\n\n| Setting | Type | Unit | Default | Range | Description |\n|---|---|---|---|---|---|"
        return ([head] + self.settings.map(\.markdownRow)).joined(separator: "\n")
    }
}
