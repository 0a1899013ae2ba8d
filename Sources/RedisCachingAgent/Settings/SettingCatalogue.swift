/// Every setting of the program.
enum SettingCatalogue {
    static let host = SettingDefinition(name: "HOST", kind: .text(default: "0.0.0.0"), summary: "Address to listen on")
    static let port = SettingDefinition(
        name: "PORT", kind: .integer(default: 8080, range: 0...65535, unit: "port"), summary: "Port to listen on; 0 lets the kernel choose")
    static let redisURL = SettingDefinition(
        name: "REDIS_URL", kind: .secret,
        summary: "`redis://[user:password@]host[:port][/db]`, `rediss://` for TLS, or `unix:/path`; wins over `REDIS_HOST`")
    static let redisHost = SettingDefinition(
        name: "REDIS_HOST", kind: .text(default: nil), summary: "Host of Redis; without it and `REDIS_URL` the embedded store serves")
    static let redisPort = SettingDefinition(
        name: "REDIS_PORT", kind: .integer(default: 6379, range: 1...65535, unit: "port"), summary: "Port of Redis, with `REDIS_HOST`")
    static let redisUser = SettingDefinition(name: "REDIS_USER", kind: .text(default: nil), summary: "ACL user; not with a password in `REDIS_URL`")
    static let redisPassword = SettingDefinition(name: "REDIS_PASSWORD", kind: .secret, summary: "Password; one in `REDIS_URL` wins")
    static let redisPasswordFile = SettingDefinition(
        name: "REDIS_PASSWORD_FILE", kind: .text(default: nil),
        summary: "File with the password, read anew for every connection; wins over the others")
    static let redisAuth = SettingDefinition(
        name: "REDIS_AUTH", kind: .choice(default: "password", ["password", "google-iam"]),
        summary: "`google-iam`: the access token of the service account is the password, from the metadata server (`GCE_METADATA_HOST`)")
    static let redisTLS = SettingDefinition(
        name: "REDIS_TLS", kind: .choice(default: "off", ["off", "on"]), summary: "TLS, with `REDIS_HOST`; `rediss://` has it")
    static let redisTLSAuthority = SettingDefinition(
        name: "REDIS_TLS_CA", kind: .secret, summary: "Certificates of the authorities to trust, one or several, as PEM text; else the system's")
    static let redisTLSAuthorityFile = SettingDefinition(
        name: "REDIS_TLS_CA_FILE", kind: .text(default: nil), summary: "The same as a file, read anew for every connection")
    static let redisTLSVerify = SettingDefinition(
        name: "REDIS_TLS_VERIFY", kind: .choice(default: "full", ["full", "chain"]),
        summary: "`chain`: the certificate's host name is not checked, for a private authority as Memorystore's")
    static let redisTLSServerName = SettingDefinition(
        name: "REDIS_TLS_SERVER_NAME", kind: .text(default: nil), summary: "Name that the certificate must have, where it is not the host's")
    static let redisTLSCertificateFile = SettingDefinition(
        name: "REDIS_TLS_CERT_FILE", kind: .text(default: nil), summary: "Client certificate as a PEM file, where Redis asks for one")
    static let redisTLSKeyFile = SettingDefinition(name: "REDIS_TLS_KEY_FILE", kind: .text(default: nil), summary: "Its private key")
    static let metadataHost = SettingDefinition(
        name: "GCE_METADATA_HOST", kind: .text(default: nil), summary: "Metadata server to ask instead of Google's")
    static let redisDatabase = SettingDefinition(
        name: "REDIS_DB", kind: .integer(default: 0, range: 0...65535, unit: "index"), summary: "Database, with `REDIS_HOST`")
    static let redisDeadline = SettingDefinition(
        name: "REDIS_DEADLINE_MS", kind: .integer(default: 30, range: 1...10_000, unit: "ms"),
        summary: "Time that Redis has for a command before the embedded store answers")
    static let redisConnectTimeout = SettingDefinition(
        name: "REDIS_CONNECT_TIMEOUT_MS", kind: .integer(default: 1000, range: 10...60_000, unit: "ms"),
        summary: "Time for one attempt to connect, and again for its handshake")
    static let redisDeadTimeout = SettingDefinition(
        name: "REDIS_DEAD_TIMEOUT_MS", kind: .integer(default: 1000, range: 10...600_000, unit: "ms"),
        summary: "Silence of Redis, while it owes a reply, after which the connection is made anew")
    static let redisReconnectBase = SettingDefinition(
        name: "REDIS_RECONNECT_BASE_MS", kind: .integer(default: 50, range: 1...60_000, unit: "ms"),
        summary: "Bound of the first pause between attempts to connect; doubles, with full jitter")
    static let redisReconnectCap = SettingDefinition(
        name: "REDIS_RECONNECT_CAP_MS", kind: .integer(default: 1000, range: 1...60_000, unit: "ms"), summary: "Bound of any such pause")
    static let redisPending = SettingDefinition(
        name: "REDIS_PENDING_MAX", kind: .integer(default: 16_384, range: 1...1_048_576, unit: "commands"),
        summary: "Commands of one connection that wait for a reply; beyond it the embedded store answers")
    static let redisControlDeadline = SettingDefinition(
        name: "REDIS_CONTROL_DEADLINE_MS", kind: .integer(default: 1000, range: 1...60_000, unit: "ms"),
        summary: "Time that Redis has for each step of an invalidation, of the statistics or of a replay")
    static let redisKeepAlive = SettingDefinition(
        name: "REDIS_KEEPALIVE_SECONDS", kind: .integer(default: 30, range: 1...300, unit: "s"),
        summary: "An idle connection to Redis is asked for a sign of life this often")
    static let redisDeadlinesInARow = SettingDefinition(
        name: "REDIS_BREAKER_DEADLINES", kind: .integer(default: 8, range: 1...1000, unit: "commands"),
        summary: "Deadlines missed in a row on one connection after which Redis counts as away")
    static let redisStartupWait = SettingDefinition(
        name: "REDIS_STARTUP_WAIT_SECONDS", kind: .integer(default: 0, range: 0...300, unit: "s"),
        summary: "Time that a start waits for Redis before it serves, then from the embedded store; the port opens afterwards")
    static let outageWrites = SettingDefinition(
        name: "OUTAGE_WRITES", kind: .choice(default: "auto", ["auto", "invalidate", "restore"]),
        summary:
            "Values written while Redis is away: delete the key (`invalidate`) or write the value (`restore`, for a single instance) when it is back;"
            + " `auto` is `invalidate` on Cloud Run and Kubernetes, else `restore`")
    static let journalKeys = SettingDefinition(
        name: "JOURNAL_MAX_KEYS", kind: .integer(default: 100_000, range: 1...10_000_000, unit: "keys"),
        summary: "Keys written or deleted while Redis is away that are remembered; beyond it all strings in Redis are deleted when it is back")
    static let journalPatterns = SettingDefinition(
        name: "JOURNAL_MAX_PATTERNS", kind: .integer(default: 100, range: 1...10_000, unit: "patterns"),
        summary: "Patterns invalidated while Redis is away that are remembered; beyond it as above")
    static let journalBytes = SettingDefinition(
        name: "JOURNAL_MAX_BYTES", kind: .integer(default: 33_554_432, range: 1024...1_073_741_824, unit: "bytes"),
        summary: "What these may take together; beyond it as above")
    static let outageDoubt = SettingDefinition(
        name: "OUTAGE_DOUBT_SECONDS", kind: .integer(default: 2, range: 0...60, unit: "s"),
        summary: "With `invalidate`: keys written this long before Redis was lost are deleted where another server answers afterwards (failover)")
    static let outageDoubtBytes = SettingDefinition(
        name: "OUTAGE_DOUBT_MAX_BYTES", kind: .integer(default: 16_777_216, range: 4096...1_073_741_824, unit: "bytes"),
        summary: "What these keys may take, over all event loops; if there are more, all strings in Redis are deleted instead")
    static let outageBarrier = SettingDefinition(
        name: "OUTAGE_BARRIER_MS", kind: .integer(default: 100, range: 0...10_000, unit: "ms"),
        summary: "Wait before a replay for what is still under way to Redis, where `CLIENT KILL` is refused")
    /// Set by the platform where it may run several instances.
    static let cloudRunService = SettingDefinition(name: "K_SERVICE", kind: .text(default: nil), summary: "Set by Cloud Run")
    static let kubernetesHost = SettingDefinition(name: "KUBERNETES_SERVICE_HOST", kind: .text(default: nil), summary: "Set by Kubernetes")
    static let memoryBytes = SettingDefinition(
        name: "MEMORY_MAX_BYTES",
        kind: .integer(default: nil, range: 1_048_576...68_719_476_736, unit: "bytes", defaultText: "a quarter of the container, at most 512 MiB"),
        summary: "Bound of the embedded store: keys, values and overhead")
    static let memoryShards = SettingDefinition(
        name: "MEMORY_SHARDS", kind: .integer(default: 64, range: 1...1024, unit: "shards"),
        summary: "Independently locked parts of the embedded store; a power of two")
    static let keyBytes = SettingDefinition(
        name: "KEY_MAX_BYTES", kind: .integer(default: 1024, range: 1...8192, unit: "bytes"), summary: "Longest key or pattern; beyond it 422")
    static let valueBytes = SettingDefinition(
        name: "VALUE_MAX_BYTES", kind: .integer(default: 1_048_576, range: 1...33_554_432, unit: "bytes"),
        summary: "Longest value; beyond it 413. A body may be 64 KiB longer")
    static let ttlSeconds = SettingDefinition(
        name: "TTL_MAX_SECONDS", kind: .integer(default: 315_360_000, range: 1...315_360_000, unit: "s"),
        summary: "Longest time to live; beyond it 422"
    )
    static let jsonDepth = SettingDefinition(
        name: "JSON_MAX_DEPTH", kind: .integer(default: 128, range: 1...1024, unit: "levels"), summary: "Deepest nesting of a body; beyond it 422")
    static let apiKeysFile = SettingDefinition(
        name: "API_KEYS_FILE", kind: .text(default: nil),
        summary:
            "File of API keys and accounts ([docs/access.md](docs/access.md)), read anew when it changes; without any everybody may use the service")
    static let apiKeys = SettingDefinition(name: "API_KEYS", kind: .secret, summary: "The same as text, lines separated by `;`")
    static let apiKeysRefresh = SettingDefinition(
        name: "API_KEYS_REFRESH_SECONDS", kind: .integer(default: 10, range: 1...3600, unit: "s"), summary: "How often the file is looked at")
    static let tokenAudience = SettingDefinition(
        name: "GOOGLE_TOKEN_AUDIENCE", kind: .text(default: nil),
        summary: "For whom Google's ID tokens must be meant, separated by commas: the address of this service. Needed where API keys name accounts")
    static let tokenIssuer = SettingDefinition(
        name: "GOOGLE_TOKEN_ISSUER", kind: .text(default: "https://accounts.google.com"), summary: "Who must have signed them, separated by commas")
    static let tokenKeys = SettingDefinition(
        name: "GOOGLE_TOKEN_KEYS_URL", kind: .text(default: "https://www.googleapis.com/oauth2/v3/certs"),
        summary: "Where the issuer publishes its keys, a JSON Web Key Set")
    static let rememberedTokens = SettingDefinition(
        name: "GOOGLE_TOKENS_REMEMBERED", kind: .integer(default: 1024, range: 1...100_000, unit: "tokens"),
        summary: "Tokens that were verified and are not verified again; beyond it some are")
    static let requireAuth = SettingDefinition(
        name: "REQUIRE_AUTH", kind: .choice(default: "false", ["false", "true"]), summary: "`true`: without API keys the service does not start")
    static let metricsAccess = SettingDefinition(
        name: "METRICS_ACCESS", kind: .choice(default: "admin", ["admin", "open"]),
        summary: "Where there are API keys: `/metrics` takes the scope `admin`, or is for everybody")
    static let metricsPort = SettingDefinition(
        name: "METRICS_PORT", kind: .integer(default: nil, range: 0...65535, unit: "port", defaultText: "none"),
        summary: "`/metrics` without a key on this port of 127.0.0.1, for a collector beside the service; 0: any port, named in the log")
    static let rateLimit = SettingDefinition(
        name: "RATE_LIMIT_PER_SECOND", kind: .integer(default: 0, range: 0...1_000_000, unit: "requests/s"),
        summary: "How often each API key may be used, on each instance; beyond it 429. 0: no bound")
    static let rateBurst = SettingDefinition(
        name: "RATE_LIMIT_BURST", kind: .integer(default: 100, range: 1...1_000_000, unit: "requests"), summary: "How many of these at once")
    static let corsOrigins = SettingDefinition(
        name: "CORS_ORIGINS", kind: .text(default: nil),
        summary: "Web pages that may use the service from a browser: origins separated by commas, `https://*.example.com` for all below")
    static let maximumConnections = SettingDefinition(
        name: "CONNECTIONS_MAX", kind: .integer(default: 4096, range: 1...1_000_000, unit: "connections"),
        summary: "Connections of clients at once; beyond it 503")
    static let maximumConnectionsPerPeer = SettingDefinition(
        name: "CONNECTIONS_PER_PEER_MAX", kind: .integer(default: 0, range: 0...1_000_000, unit: "connections"),
        summary: "The same for one address; 0: no bound, as all clients behind a front end have its addresses")
    static let requestsInFlight = SettingDefinition(
        name: "REQUESTS_IN_FLIGHT_MAX", kind: .integer(default: 2048, range: 1...1_000_000, unit: "requests"),
        summary: "Requests that wait for Redis, and separately requests in the router; beyond it 503")
    static let maximumProbes = SettingDefinition(
        name: "PROBES_IN_FLIGHT_MAX", kind: .integer(default: 64, range: 1...10_000, unit: "requests"),
        summary: "Requests for `/health` and `/metrics` at once, and connections beyond `CONNECTIONS_MAX` for them; beyond it 503")
    static let totalUnsentBytes = SettingDefinition(
        name: "UNSENT_TOTAL_MAX_BYTES", kind: .integer(default: 134_217_728, range: 1_048_576...68_719_476_736, unit: "bytes"),
        summary:
            "Answers that wait for clients to read them, over all connections; beyond it 503, and clients that have not read for a second are disconnected"
    )
    static let totalReceivedBytes = SettingDefinition(
        name: "RECEIVED_TOTAL_MAX_BYTES", kind: .integer(default: 134_217_728, range: 1_048_576...68_719_476_736, unit: "bytes"),
        summary: "Request bodies being received, over all connections; beyond it 503")
    static let maximumInvalidations = SettingDefinition(
        name: "INVALIDATIONS_MAX", kind: .integer(default: 4, range: 1...1000, unit: "invalidations"),
        summary: "Invalidations that run at once, dry runs included; beyond it 503")
    static let headerFields = SettingDefinition(
        name: "HEADER_MAX_FIELDS", kind: .integer(default: 100, range: 8...1000, unit: "fields"), summary: "Fields of a header block; beyond it 431")
    static let targetBytes = SettingDefinition(
        name: "TARGET_MAX_BYTES", kind: .integer(default: 8192, range: 64...65_536, unit: "bytes"),
        summary: "Longest target (path and query) of a request; beyond it 414")
    static let headBytes = SettingDefinition(
        name: "HEADER_MAX_BYTES", kind: .integer(default: 16_384, range: 1024...65_536, unit: "bytes"), summary: "Longest header block; beyond it 431"
    )
    static let pipelineBytes = SettingDefinition(
        name: "PIPELINE_MAX_BYTES", kind: .integer(default: 65_536, range: 1024...1_048_576, unit: "bytes"),
        summary: "Bytes of later requests that are read while an answer is pending; beyond it the client waits")
    static let idleTimeout = SettingDefinition(
        name: "IDLE_TIMEOUT_SECONDS", kind: .integer(default: 120, range: 1...3600, unit: "s"), summary: "A connection without requests is closed")
    static let requestTimeout = SettingDefinition(
        name: "REQUEST_TIMEOUT_SECONDS", kind: .integer(default: 30, range: 1...600, unit: "s"),
        summary: "A request whose bytes take longer to arrive is closed")
    static let unsentBytes = SettingDefinition(
        name: "UNSENT_MAX_BYTES", kind: .integer(default: 65_536, range: 4096...1_048_576, unit: "bytes"),
        summary: "Answers that wait for a client to read them; beyond it the client is not read. One answer may exceed it")
    static let lingerTimeout = SettingDefinition(
        name: "LINGER_MS", kind: .integer(default: 1000, range: 0...10_000, unit: "ms"),
        summary: "After a connection's last answer, how long what the client still sends is read, so that no reset overtakes the answer")
    static let lastRequest = SettingDefinition(
        name: "LAST_REQUEST_MS", kind: .integer(default: 500, range: 0...5000, unit: "ms"),
        summary: "After SIGTERM, how long an idle connection may still bring a request")
    static let lastAnswer = SettingDefinition(
        name: "LAST_ANSWER_MS", kind: .integer(default: 2000, range: 1...10_000, unit: "ms"),
        summary: "After SIGTERM, how long a client may take to read its last answer")
    static let shutdownGrace = SettingDefinition(
        name: "SHUTDOWN_GRACE_SECONDS", kind: .integer(default: 8, range: 1...60, unit: "s"),
        summary: "After SIGTERM, how long requests in flight may take")
    static let eventLoops = SettingDefinition(
        name: "EVENT_LOOPS", kind: .integer(default: nil, range: 1...64, unit: "threads", defaultText: "the processors"),
        summary: "Event loops, each with its own connection to Redis")
    static let eventLoopScheduling = SettingDefinition(
        name: "EVENT_LOOP_SCHEDULING", kind: .choice(default: "batch", ["batch", "normal"]),
        summary: "How the kernel schedules the event loops: `batch` answers more requests where others need the processors, too")
    static let fastLane = SettingDefinition(
        name: "FAST_LANE", kind: .choice(default: "on", ["on", "off"]), summary: "Answer canonical requests for a key before the router")
    static let logLevel = SettingDefinition(
        name: "LOG_LEVEL", kind: .choice(default: "info", ["trace", "debug", "info", "notice", "warning", "error", "critical"]),
        summary: "Least severity that is logged")
    static let logFormat = SettingDefinition(
        name: "LOG_FORMAT", kind: .choice(default: "auto", ["auto", "json", "text"]),
        summary: "`json`: one object a line as Google Cloud Logging reads it; `text`: for people; `auto`: `text` on a terminal, else `json`")
    static let logBufferBytes = SettingDefinition(
        name: "LOG_BUFFER_BYTES", kind: .integer(default: 1_048_576, range: 4096...67_108_864, unit: "bytes"),
        summary: "Log lines that wait for a slow reader of standard error; beyond it they are dropped and counted")
    static let accessLog = SettingDefinition(
        name: "ACCESS_LOG", kind: .choice(default: "slow-and-errors", ["off", "sampled", "slow-and-errors", "all"]),
        summary: "Which answers get a line; errors are those with a status of 500 or more")
    static let accessLogSample = SettingDefinition(
        name: "ACCESS_LOG_SAMPLE", kind: .integer(default: 100, range: 1...1_000_000, unit: "answers"),
        summary: "With `sampled`: one line for so many")
    static let accessLogSlow = SettingDefinition(
        name: "ACCESS_LOG_SLOW_MS", kind: .integer(default: 50, range: 0...60_000, unit: "ms"), summary: "What takes so long is slow")
    static let accessLogLines = SettingDefinition(
        name: "ACCESS_LOG_MAX_PER_SECOND", kind: .integer(default: 50, range: 1...100_000, unit: "lines"),
        summary: "Lines for answers in a second; beyond it they are counted only")
    static let metrics = SettingDefinition(
        name: "METRICS", kind: .choice(default: "on", ["on", "off"]),
        summary: "Count and measure; with `off` there is no `/metrics` and no `/dashboard`")
    static let documentationDirectory = SettingDefinition(
        name: "DOCS_DIRECTORY", kind: .text(default: nil),
        summary: "Directory with the files of Swagger UI and ReDoc (`scripts/fetch-docs-assets`); without it browsers get them from the internet")
    static let googleCloudProject = SettingDefinition(
        name: "GOOGLE_CLOUD_PROJECT", kind: .text(default: nil),
        summary: "Project of the traces that log lines name; on Cloud Run the metadata server knows it")
    static let platformURL = SettingDefinition(
        name: "FACTORY_PLATFORM_URL", kind: .text(default: nil),
        summary: "The AI Agent Factory platform, without a path: the service registers itself there, in the background")
    static let selfURL = SettingDefinition(
        name: "SELF_URL", kind: .text(default: nil), summary: "Where this service is reached, without a path; needed to register")
    static let platformAuth = SettingDefinition(
        name: "FACTORY_PLATFORM_AUTH", kind: .choice(default: "none", ["none", "id-token"]),
        summary: "`id-token`: the platform is shown an ID token of the metadata server")
    static let platformTimeout = SettingDefinition(
        name: "FACTORY_PLATFORM_TIMEOUT_SECONDS", kind: .integer(default: 10, range: 1...60, unit: "s"),
        summary: "Time that the platform has to answer")
    static let platformInterval = SettingDefinition(
        name: "FACTORY_PLATFORM_INTERVAL_SECONDS", kind: .integer(default: 600, range: 0...86_400, unit: "s"),
        summary: "How often to look whether the platform still knows the service; 0: never")
    static let agentName = SettingDefinition(
        name: "AGENT_NAME", kind: .text(default: "Redis Caching Layer Agent"), summary: "Its name there, at most 100 characters")
    static let agentRepository = SettingDefinition(
        name: "AGENT_REPOSITORY_URL", kind: .text(default: nil), summary: "Its source, for the platform; by default `SELF_URL`")
    static let agentRequirements = SettingDefinition(
        name: "AGENT_PRD_ID", kind: .text(default: nil), summary: "The requirements document that it comes from, as the platform counts them")
    static let environment = SettingDefinition(
        name: "ENVIRONMENT", kind: .text(default: "development"), summary: "Name of the deployment, for the log")
    static let configFile = SettingDefinition(
        name: "CONFIG_FILE", kind: .text(default: nil), summary: "File of `NAME=value` lines with settings; the environment wins over it")
    static let secretsDirectory = SettingDefinition(
        name: "SECRETS_DIRECTORY", kind: .text(default: nil),
        summary: "Directory with one file per setting, such as a mounted secret; wins over the file")

    /// In the order of the documentation.
    static let all: [SettingDefinition] = [
        host, port, redisURL, redisHost, redisPort, redisUser, redisPassword, redisPasswordFile, redisAuth, redisTLS, redisTLSAuthority,
        redisTLSAuthorityFile, redisTLSVerify, redisTLSServerName, redisTLSCertificateFile, redisTLSKeyFile, redisDatabase, redisDeadline,
        redisConnectTimeout, redisDeadTimeout,
        redisReconnectBase, redisReconnectCap, redisPending, redisControlDeadline, redisKeepAlive, redisDeadlinesInARow, redisStartupWait,
        outageWrites, journalKeys,
        journalPatterns, journalBytes, outageDoubt, outageDoubtBytes, outageBarrier, memoryBytes, memoryShards, keyBytes, valueBytes, ttlSeconds,
        jsonDepth, apiKeysFile, apiKeys, apiKeysRefresh, tokenAudience, tokenIssuer, tokenKeys, rememberedTokens,
        requireAuth, metricsAccess, metricsPort, rateLimit,
        rateBurst, corsOrigins, maximumConnections, maximumConnectionsPerPeer, requestsInFlight, maximumProbes, maximumInvalidations, headerFields,
        targetBytes,
        headBytes, pipelineBytes, unsentBytes, totalUnsentBytes, totalReceivedBytes, idleTimeout, requestTimeout,
        lingerTimeout, lastRequest, lastAnswer, shutdownGrace, eventLoops, eventLoopScheduling, fastLane, logLevel, logFormat, logBufferBytes,
        accessLog, accessLogSample, accessLogSlow, accessLogLines, metrics, documentationDirectory, googleCloudProject, platformURL, selfURL,
        platformAuth,
        platformTimeout, platformInterval, agentName, agentRepository, agentRequirements, environment, configFile,
        secretsDirectory,
    ]

    static var markdownTable: String {
        let head = "| Setting | Type | Unit | Default | Range | What it does |\n|---|---|---|---|---|---|"
        return ([head] + self.all.map(\.markdownRow)).joined(separator: "\n")
    }
}
