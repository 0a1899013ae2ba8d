import Cache
import CacheAPI
import HTTPWire
import Logging
import MemoryStore
import NIOCore
import RedisClient

/// Every setting of the program.
///
/// A default is stated once: by the type that the setting configures if it has one, otherwise here.
enum SettingCatalogue {
    private static let redis = RedisConfiguration(endpoint: .tcp(host: "", port: RedisEndpoint.defaultPort))
    private static let outage = OutageSettings()
    private static let near = NearCacheSettings()
    private static let http = HTTPSettings()

    static let host = SettingDefinition(name: "HOST", kind: .text(default: "0.0.0.0"), summary: "Address to listen on")
    static let port = SettingDefinition(
        name: "PORT", kind: .integer(default: 8080, range: 0...65535, unit: "port"), summary: "Port to listen on; with 0 the kernel chooses one")
    static let redisURL = SettingDefinition(
        name: "REDIS_URL", kind: .secret,
        summary:
            "Address of Redis: `redis://[user:password@]host[:port][/db]`, `rediss://` for TLS, or `unix:/path`. Of a cluster, several nodes may be"
            + " named, separated by commas: `redis://host:port,host:port`. Takes precedence over `REDIS_HOST`")
    static let redisHost = SettingDefinition(
        name: "REDIS_HOST", kind: .text(default: nil),
        summary: "Host name or IP address of Redis. Without it and without `REDIS_URL` the service uses its embedded store")
    static let redisPort = SettingDefinition(
        name: "REDIS_PORT", kind: .integer(default: RedisEndpoint.defaultPort, range: 1...65535, unit: "port"),
        summary: "Port of Redis, used with `REDIS_HOST`")
    static let redisUser = SettingDefinition(
        name: "REDIS_USER", kind: .text(default: nil), summary: "User of the Redis ACL; ignored if `REDIS_URL` has a password")
    static let redisPassword = SettingDefinition(
        name: "REDIS_PASSWORD", kind: .secret, summary: "Password for Redis; a password in `REDIS_URL` takes precedence")
    static let redisPasswordFile = SettingDefinition(
        name: "REDIS_PASSWORD_FILE", kind: .text(default: nil),
        summary: "File that holds the password, read again for every connection. Takes precedence over the other passwords")
    static let redisAuth = SettingDefinition(
        name: "REDIS_AUTH", kind: .choice(default: "password", ["password", "google-iam"]),
        summary: "`google-iam`: authenticate with the access token of the service account, which the metadata server provides")
    static let redisTLS = SettingDefinition(
        name: "REDIS_TLS", kind: .choice(default: "off", ["off", "on"]),
        summary: "Encrypt the connection, used with `REDIS_HOST`; `rediss://` in `REDIS_URL` implies it")
    static let redisTLSAuthority = SettingDefinition(
        name: "REDIS_TLS_CA", kind: .secret,
        summary:
            "Certificates of the trusted authorities as PEM text. Without it and without `REDIS_TLS_CA_FILE` the system's authorities are trusted")
    static let redisTLSAuthorityFile = SettingDefinition(
        name: "REDIS_TLS_CA_FILE", kind: .text(default: nil),
        summary: "PEM file with the certificates of the trusted authorities, read again for every connection")
    static let redisTLSVerify = SettingDefinition(
        name: "REDIS_TLS_VERIFY", kind: .choice(default: RedisTLS().verification.rawValue, ["full", "chain"]),
        summary: "`full`: check the certificate chain and the host name; `chain`: check the chain only, for a private authority such as Memorystore's"
    )
    static let redisTLSServerName = SettingDefinition(
        name: "REDIS_TLS_SERVER_NAME", kind: .text(default: nil),
        summary: "Name expected in the certificate, if it differs from the host; of a cluster, in that of every node")
    static let redisTLSCertificateFile = SettingDefinition(
        name: "REDIS_TLS_CERT_FILE", kind: .text(default: nil), summary: "Client certificate as a PEM file, if Redis requires one")
    static let redisTLSKeyFile = SettingDefinition(
        name: "REDIS_TLS_KEY_FILE", kind: .text(default: nil), summary: "Private key of the client certificate, as a PEM file")
    static let metadataHost = SettingDefinition(
        name: "GCE_METADATA_HOST", kind: .text(default: nil), summary: "Metadata server to ask instead of Google's, as `host` or `host:port`")
    static let redisDatabase = SettingDefinition(
        name: "REDIS_DB", kind: .integer(default: redis.database, range: 0...65535, unit: "index"), summary: "Database number, used with `REDIS_HOST`"
    )
    static let redisCluster = SettingDefinition(
        name: "REDIS_CLUSTER", kind: .choice(default: redis.clusterMode.rawValue, RedisClusterMode.allCases.map(\.rawValue)),
        summary: "Whether Redis is a cluster: as it says itself (`auto`), always (`on`, also if `HELLO` is refused), or never (`off`)")
    static let redisMaximumShards = SettingDefinition(
        name: "REDIS_CLUSTER_MAX_SHARDS", kind: .integer(default: redis.maximumShards, range: 1...1000, unit: "shards"),
        summary: "Owners of slots that are asked, with a connection from each event loop; beyond that the embedded store answers for their keys")
    static let redisDeadline = SettingDefinition(
        name: "REDIS_DEADLINE_MS", kind: .milliseconds(default: redis.commandDeadline, range: 1...10_000),
        summary: "Time Redis has to answer a command before the embedded store answers instead")
    static let redisConnectTimeout = SettingDefinition(
        name: "REDIS_CONNECT_TIMEOUT_MS", kind: .milliseconds(default: redis.connectTimeout, range: 10...60_000),
        summary: "Time for one attempt to connect, and the same again for its handshake")
    static let redisDeadTimeout = SettingDefinition(
        name: "REDIS_DEAD_TIMEOUT_MS", kind: .milliseconds(default: redis.deadConnectionTimeout, range: 10...600_000),
        summary: "A connection on which Redis owes a reply and stays silent for this long is replaced")
    static let redisReconnectBase = SettingDefinition(
        name: "REDIS_RECONNECT_BASE_MS", kind: .milliseconds(default: outage.pauseBase, range: 1...60_000),
        summary: "Upper bound of the first pause between attempts to connect; it doubles with each attempt, with full jitter")
    static let redisReconnectCap = SettingDefinition(
        name: "REDIS_RECONNECT_CAP_MS", kind: .milliseconds(default: outage.pauseCap, range: 1...60_000), summary: "Upper bound of every later pause")
    static let redisPending = SettingDefinition(
        name: "REDIS_PENDING_MAX", kind: .integer(default: redis.maximumPendingCommands, range: 1...1_048_576, unit: "commands"),
        summary: "Commands that may wait for a reply on one connection; beyond that the embedded store answers")
    static let redisControlDeadline = SettingDefinition(
        name: "REDIS_CONTROL_DEADLINE_MS", kind: .milliseconds(default: redis.controlDeadline, range: 1...60_000),
        summary: "Time Redis has for each step of an invalidation, of the statistics or of a replay")
    static let redisKeepAlive = SettingDefinition(
        name: "REDIS_KEEPALIVE_SECONDS", kind: .seconds(default: redis.keepAliveInterval, range: 1...300),
        summary: "Interval between PINGs on an idle connection to Redis")
    static let redisDeadlinesInARow = SettingDefinition(
        name: "REDIS_BREAKER_DEADLINES", kind: .integer(default: outage.deadlinesInARow, range: 1...1000, unit: "commands"),
        summary: "Consecutive deadlines missed on one connection after which Redis counts as unavailable")
    static let redisStartupWait = SettingDefinition(
        name: "REDIS_STARTUP_WAIT_SECONDS", kind: .integer(default: 0, range: 0...300, unit: "s"),
        summary: "Time that a start waits for Redis before the port opens; after that the embedded store serves until Redis is there")
    static let outageWrites = SettingDefinition(
        name: "OUTAGE_WRITES", kind: .choice(default: "auto", ["auto", "invalidate", "restore"]),
        summary:
            "What a replay does with values written during an outage: delete the key (`invalidate`) or write the value (`restore`, for a single"
            + " instance). `auto` means `invalidate` on Cloud Run and Kubernetes, otherwise `restore`")
    static let journalKeys = SettingDefinition(
        name: "JOURNAL_MAX_KEYS", kind: .integer(default: outage.journalKeys, range: 1...10_000_000, unit: "keys"),
        summary: "Keys waiting to be replayed to Redis after an outage; beyond that every string in Redis is deleted when it returns")
    static let journalPatterns = SettingDefinition(
        name: "JOURNAL_MAX_PATTERNS", kind: .integer(default: outage.journalPatterns, range: 1...10_000, unit: "patterns"),
        summary: "Invalidated patterns waiting to be replayed; beyond that every string in Redis is deleted when it returns")
    static let journalBytes = SettingDefinition(
        name: "JOURNAL_MAX_BYTES", kind: .integer(default: outage.journalBytes, range: 1024...1_073_741_824, unit: "bytes"),
        summary: "Memory for these keys and patterns; beyond that every string in Redis is deleted when it returns")
    static let recentWritesSpan = SettingDefinition(
        name: "OUTAGE_DOUBT_SECONDS",
        kind: .seconds(default: outage.recentWritesSpan, inCluster: outage.recentWritesSpanInCluster, range: 0...60),
        summary:
            "With `invalidate`: if another server answers after an outage (failover), keys written this long before the outage are deleted from it")
    static let recentWritesBytes = SettingDefinition(
        name: "OUTAGE_DOUBT_MAX_BYTES", kind: .integer(default: outage.recentWritesBytes, range: 4096...1_073_741_824, unit: "bytes"),
        summary: "Memory for the keys of `OUTAGE_DOUBT_SECONDS`, over all event loops; beyond that every string in Redis is deleted instead")
    static let outageReads = SettingDefinition(
        name: "OUTAGE_READS", kind: .choice(default: outage.reads.rawValue, OutageReads.allCases.map(\.rawValue)),
        summary:
            "What a read is answered in an outage if the key was not written meanwhile: the copy of the near cache (`near`), or no value (`miss`)")
    static let outageStaleLimit = SettingDefinition(
        name: "OUTAGE_STALE_SECONDS", kind: .seconds(default: outage.staleLimit, range: 0...86_400),
        summary: "With `near`: how long after the loss of Redis copies are answered")
    static let nearMode = SettingDefinition(
        name: "NEAR_CACHE", kind: .choice(default: near.mode.rawValue, NearCacheMode.allCases.map(\.rawValue)),
        summary:
            "Keep copies of what is read from Redis ([near cache](near-cache.md)): if Redis says when they change (`auto`), never (`off`), or for"
            + " `NEAR_TTL_MS` (`ttl`)")
    static let nearBytes = SettingDefinition(
        name: "NEAR_MAX_BYTES",
        kind: .integer(default: nil, range: 65_536...34_359_738_368, unit: "bytes", defaultText: "half of `MEMORY_MAX_BYTES`"),
        summary: "Part of `MEMORY_MAX_BYTES` for copies; the rest holds what is written in an outage")
    static let nearValueBytes = SettingDefinition(
        name: "NEAR_VALUE_MAX_BYTES", kind: .integer(default: near.maximumValueBytes, range: 0...67_108_864, unit: "bytes"),
        summary: "Longest value of which a copy is kept")
    static let nearMaximumAge = SettingDefinition(
        name: "NEAR_MAX_AGE_SECONDS", kind: .seconds(default: near.maximumAge, range: 1...86_400),
        summary: "A copy older than this is read from Redis again, so that Redis's own eviction knows which keys are in use")
    static let nearAbsenceAge = SettingDefinition(
        name: "NEAR_ABSENCE_SECONDS", kind: .seconds(default: near.absenceAge, inCluster: near.absenceAgeInCluster, range: 0...60),
        summary: "How long it is remembered that a key has no value. 0: not at all")
    static let nearTimeToLive = SettingDefinition(
        name: "NEAR_TTL_MS", kind: .milliseconds(default: near.timeToLive, range: 0...60_000),
        summary: "With `NEAR_CACHE=ttl`: how long a copy is answered, which may be as old as that. 0: no copies")
    static let nearPushedKeys = SettingDefinition(
        name: "NEAR_PUSHED_KEYS_MAX", kind: .integer(default: near.maximumPushedKeys, range: 256...1_048_576, unit: "keys"),
        summary: "Changed keys whose copies are still to be dropped, on each event loop; beyond that all copies of its connection end")
    static let nearSignOfLife = SettingDefinition(
        name: "NEAR_SIGN_OF_LIFE_MS", kind: .milliseconds(default: near.signOfLifeInterval, range: 10...60_000),
        summary: "Interval at which a connection whose copies are answered is asked for a sign of life; without it they are not answered any more")
    static let outageBarrier = SettingDefinition(
        name: "OUTAGE_BARRIER_MS", kind: .milliseconds(default: outage.barrier, range: 0...10_000),
        summary: "Wait before a replay for commands still in transit to Redis, if Redis refuses `CLIENT KILL`")
    /// Set by a platform that may run several instances.
    static let cloudRunService = SettingDefinition(name: "K_SERVICE", kind: .text(default: nil), summary: "Set by Cloud Run")
    static let kubernetesHost = SettingDefinition(name: "KUBERNETES_SERVICE_HOST", kind: .text(default: nil), summary: "Set by Kubernetes")
    static let setByThePlatform = [cloudRunService, kubernetesHost]
    static let memoryBytes = SettingDefinition(
        name: "MEMORY_MAX_BYTES",
        kind: .integer(default: nil, range: 1_048_576...68_719_476_736, unit: "bytes", defaultText: "a quarter of the container, at most 512 MiB"),
        summary: "Size of the embedded store: keys, values and overhead")
    static let memoryShards = SettingDefinition(
        name: "MEMORY_SHARDS", kind: .integer(default: MemoryStoreConfiguration().shardCount, range: 1...1024, unit: "shards"),
        summary: "Independently locked parts of the embedded store; a power of two")
    static let keyBytes = SettingDefinition(
        name: "KEY_MAX_BYTES", kind: .integer(default: http.limits.maximumKeyBytes, range: 1...8192, unit: "bytes"),
        summary: "Longest key or pattern; longer ones are answered with 422")
    static let valueBytes = SettingDefinition(
        name: "VALUE_MAX_BYTES", kind: .integer(default: http.limits.maximumValueBytes, range: 1...33_554_432, unit: "bytes"),
        summary: "Longest value; longer ones are answered with 413. A request body may be 64 KiB longer")
    static let ttlSeconds = SettingDefinition(
        name: "TTL_MAX_SECONDS", kind: .integer(default: Int(http.limits.maximumTTLSeconds), range: 1...315_360_000, unit: "s"),
        summary: "Longest time to live; longer ones are answered with 422"
    )
    static let jsonDepth = SettingDefinition(
        name: "JSON_MAX_DEPTH", kind: .integer(default: http.limits.maximumJSONDepth, range: 1...1024, unit: "levels"),
        summary: "Deepest nesting of a JSON body; deeper ones are answered with 422")
    static let batchOperations = SettingDefinition(
        name: "BATCH_MAX_OPERATIONS", kind: .integer(default: http.limits.maximumBatchOperations, range: 1...10_000, unit: "operations"),
        summary: "Operations of a batch; more are answered with 422")
    static let batchResponseBytes = SettingDefinition(
        name: "BATCH_MAX_RESPONSE_BYTES",
        kind: .integer(default: http.maximumBatchResponseBytes, range: 65_536...1_073_741_824, unit: "bytes"),
        summary: "Longest response to a batch; values beyond it have the status 413")
    static let apiKeysFile = SettingDefinition(
        name: "API_KEYS_FILE", kind: .text(default: nil),
        summary: "File of API keys and accounts ([access](access.md)), reloaded when it changes. Without API keys everybody may use the service")
    static let apiKeys = SettingDefinition(name: "API_KEYS", kind: .secret, summary: "The same as text, with lines separated by `;`")
    static let apiKeysRefresh = SettingDefinition(
        name: "API_KEYS_REFRESH_SECONDS", kind: .integer(default: 10, range: 1...3600, unit: "s"),
        summary: "Interval at which the file of API keys is checked for changes")
    static let tokenAudience = SettingDefinition(
        name: "GOOGLE_TOKEN_AUDIENCE", kind: .text(default: nil),
        summary:
            "Audiences accepted in Google's ID tokens, separated by commas: usually the address of this service. Required if the API keys name accounts"
    )
    static let tokenIssuer = SettingDefinition(
        name: "GOOGLE_TOKEN_ISSUER", kind: .text(default: "https://accounts.google.com"),
        summary: "Issuers accepted in ID tokens, separated by commas")
    static let tokenKeys = SettingDefinition(
        name: "GOOGLE_TOKEN_KEYS_URL", kind: .text(default: "https://www.googleapis.com/oauth2/v3/certs"),
        summary: "Address of the JSON Web Key Set of the issuer")
    static let rememberedTokens = SettingDefinition(
        name: "GOOGLE_TOKENS_REMEMBERED", kind: .integer(default: 1024, range: 1...100_000, unit: "tokens"),
        summary: "Size of the verified-token cache")
    static let requireAuth = SettingDefinition(
        name: "REQUIRE_AUTH", kind: .choice(default: "false", ["false", "true"]), summary: "`true`: refuse to start without API keys")
    static let metricsAccess = SettingDefinition(
        name: "METRICS_ACCESS", kind: .choice(default: http.metricsAreOpen ? "open" : "admin", ["admin", "open"]),
        summary: "If there are API keys: `/metrics` requires the `admin` scope, or is public")
    static let metricsPort = SettingDefinition(
        name: "METRICS_PORT", kind: .integer(default: nil, range: 0...65535, unit: "port", defaultText: "none"),
        summary:
            "Also serve `/metrics` on this port of 127.0.0.1, without a key, for a collector on the same host; with 0 the kernel chooses one, and the log names it"
    )
    static let rateLimit = SettingDefinition(
        name: "RATE_LIMIT_PER_SECOND", kind: .integer(default: 0, range: 0...1_000_000, unit: "requests/s"),
        summary: "Requests per second allowed for each API key on each instance; beyond that 429. 0: no limit")
    static let rateBurst = SettingDefinition(
        name: "RATE_LIMIT_BURST", kind: .integer(default: 100, range: 1...1_000_000, unit: "requests"),
        summary: "Requests that an API key may make at once before the rate applies")
    static let corsOrigins = SettingDefinition(
        name: "CORS_ORIGINS", kind: .text(default: nil),
        summary: "Origins whose pages may call the service from a browser, separated by commas; `https://*.example.com` allows every subdomain")
    static let maximumConnections = SettingDefinition(
        name: "CONNECTIONS_MAX", kind: .integer(default: http.serviceLimits.maximumConnections, range: 1...1_000_000, unit: "connections"),
        summary: "Client connections at once; beyond that 503")
    static let maximumConnectionsPerPeer = SettingDefinition(
        name: "CONNECTIONS_PER_PEER_MAX",
        kind: .integer(default: http.serviceLimits.maximumConnectionsPerPeer, range: 0...1_000_000, unit: "connections"),
        summary: "Connections from one address at once. 0: no limit, because behind a load balancer all clients share its addresses")
    static let requestsInFlight = SettingDefinition(
        name: "REQUESTS_IN_FLIGHT_MAX", kind: .integer(default: http.serviceLimits.maximumRequestsInFlight, range: 1...1_000_000, unit: "requests"),
        summary: "Requests waiting for Redis, and separately requests in the router; beyond that 503")
    static let maximumProbes = SettingDefinition(
        name: "PROBES_IN_FLIGHT_MAX", kind: .integer(default: http.serviceLimits.maximumProbes, range: 1...10_000, unit: "requests"),
        summary: "Requests for `/health` and `/metrics` at once, and connections above `CONNECTIONS_MAX` reserved for them; beyond that 503")
    static let maximumInvalidations = SettingDefinition(
        name: "INVALIDATIONS_MAX", kind: .integer(default: http.serviceLimits.maximumInvalidations, range: 1...1000, unit: "invalidations"),
        summary: "Invalidations running at once, dry runs included; beyond that 503")
    static let leaseWaiters = SettingDefinition(
        name: "LEASE_MAX_WAITING", kind: .integer(default: http.serviceLimits.maximumLeaseWaiters, range: 1...1_000_000, unit: "requests"),
        summary: "Requests at once that wait for a value which another client computes (`&wait=`); beyond that 503")
    static let headerFields = SettingDefinition(
        name: "HEADER_MAX_FIELDS", kind: .integer(default: http.serviceLimits.maximumHeaderFields, range: 8...1000, unit: "fields"),
        summary: "Fields in a header block; beyond that 431"
    )
    static let targetBytes = SettingDefinition(
        name: "TARGET_MAX_BYTES", kind: .integer(default: http.serviceLimits.maximumTargetBytes, range: 64...65_536, unit: "bytes"),
        summary: "Longest request target (path and query); beyond that 414")
    static let headBytes = SettingDefinition(
        name: "HEADER_MAX_BYTES", kind: .integer(default: http.maximumHeadBytes, range: 1024...65_536, unit: "bytes"),
        summary: "Largest header block; beyond that 431"
    )
    static let pipelineBytes = SettingDefinition(
        name: "PIPELINE_MAX_BYTES", kind: .integer(default: http.maximumPipelinedBytes, range: 1024...1_048_576, unit: "bytes"),
        summary: "Bytes of pipelined requests that are read while an answer is pending; beyond that the client waits")
    static let totalUnsentBytes = SettingDefinition(
        name: "UNSENT_TOTAL_MAX_BYTES",
        kind: .integer(default: http.serviceLimits.maximumUnsentBytes, range: 1_048_576...68_719_476_736, unit: "bytes"),
        summary:
            "Answers waiting for clients to read them, over all connections; beyond that 503, and clients that read nothing for a second are disconnected"
    )
    static let totalReceivedBytes = SettingDefinition(
        name: "RECEIVED_TOTAL_MAX_BYTES",
        kind: .integer(default: http.serviceLimits.maximumReceivedBytes, range: 1_048_576...68_719_476_736, unit: "bytes"),
        summary: "Request bodies being received, over all connections; beyond that 503")
    static let idleTimeout = SettingDefinition(
        name: "IDLE_TIMEOUT_SECONDS", kind: .seconds(default: http.idleTimeout, range: 1...3600),
        summary: "A connection without requests is closed after this time")
    static let requestTimeout = SettingDefinition(
        name: "REQUEST_TIMEOUT_SECONDS", kind: .seconds(default: http.requestTimeout, range: 1...600),
        summary: "A request that takes longer to arrive ends its connection")
    static let unsentBytes = SettingDefinition(
        name: "UNSENT_MAX_BYTES", kind: .integer(default: http.maximumUnsentBytes, range: 4096...1_048_576, unit: "bytes"),
        summary: "Answers waiting for one client to read them; beyond that its requests are not read. A single answer may exceed it")
    static let lingerTimeout = SettingDefinition(
        name: "LINGER_MS", kind: .milliseconds(default: http.lingerTimeout, range: 0...10_000),
        summary: "After a connection's last answer, time to read what the client is still sending, so that no reset overtakes the answer")
    static let lastRequest = SettingDefinition(
        name: "LAST_REQUEST_MS", kind: .milliseconds(default: http.drainTimeout, range: 0...5000),
        summary: "After SIGTERM, time in which an idle connection may still send a request")
    static let lastAnswer = SettingDefinition(
        name: "LAST_ANSWER_MS", kind: .milliseconds(default: http.lastAnswerTimeout, range: 1...10_000),
        summary: "After SIGTERM, time a client has to read its last answer")
    static let shutdownGrace = SettingDefinition(
        name: "SHUTDOWN_GRACE_SECONDS", kind: .integer(default: 8, range: 1...60, unit: "s"),
        summary: "After SIGTERM, time for requests in flight to finish")
    static let eventLoops = SettingDefinition(
        name: "EVENT_LOOPS", kind: .integer(default: nil, range: 1...64, unit: "threads", defaultText: "the processors"),
        summary: "Event loops (threads), each with its own connection to Redis")
    static let eventLoopScheduling = SettingDefinition(
        name: "EVENT_LOOP_SCHEDULING", kind: .choice(default: EventLoopScheduling.standard.rawValue, ["batch", "normal"]),
        summary: "How the kernel schedules the event loops: `batch` answers more requests if other processes need the processors too")
    static let http2 = SettingDefinition(
        name: "HTTP2", kind: .choice(default: http.http2 ? "on" : "off", ["on", "off"]),
        summary:
            "Also speak HTTP/2 without TLS (h2c) to clients that begin with its preface ([decision 20](decisions/0020-http2.md)); HTTP/1.1 is spoken on the same port in any case"
    )
    static let maximumStreams = SettingDefinition(
        name: "HTTP2_MAX_STREAMS", kind: .integer(default: http.maximumStreams, range: 1...1000, unit: "streams"),
        summary: "Streams that an HTTP/2 connection may have open at once; a client that opens more is sent away (`PROTOCOL_ERROR`)")
    static let maximumAbuse = SettingDefinition(
        name: "HTTP2_MAX_ABUSE", kind: .integer(default: http.maximumAbuse, range: 1...1_000_000, unit: "frames"),
        summary:
            "Resets, faults and control frames, each, that an HTTP/2 connection may bring in 30 s before it is ended (`ENHANCE_YOUR_CALM`); a front end that carries many clients on one connection needs more"
    )
    static let fastLane = SettingDefinition(
        name: "FAST_LANE", kind: .choice(default: http.fastLane ? "on" : "off", ["on", "off"]),
        summary: "Answer simple requests for a single key before the router ([decision 2](decisions/0002-fast-lane.md))")
    static let logLevel = SettingDefinition(
        name: "LOG_LEVEL",
        kind: .choice(default: LogSettings.defaultLevel.rawValue, ["trace", "debug", "info", "notice", "warning", "error", "critical"]),
        summary: "Least severe level that is logged")
    static let logFormat = SettingDefinition(
        name: "LOG_FORMAT", kind: .choice(default: LogSettings.defaultFormat.rawValue, ["auto", "json", "text"]),
        summary: "`json`: one object per line, as Google Cloud Logging expects it; `text`: for people; `auto`: `text` on a terminal, otherwise `json`"
    )
    static let logBufferBytes = SettingDefinition(
        name: "LOG_BUFFER_BYTES", kind: .integer(default: 1_048_576, range: 4096...67_108_864, unit: "bytes"),
        summary: "Log lines waiting for a slow reader of standard error; beyond that they are dropped and counted")
    static let accessLog = SettingDefinition(
        name: "ACCESS_LOG", kind: .choice(default: http.accessLog.mode.rawValue, ["off", "sampled", "slow-and-errors", "all"]),
        summary: "Which responses are logged; errors are responses with status 500 and above")
    static let accessLogSample = SettingDefinition(
        name: "ACCESS_LOG_SAMPLE", kind: .integer(default: http.accessLog.sampleInterval, range: 1...1_000_000, unit: "answers"),
        summary: "With `sampled`: log one response in this many")
    static let accessLogSlow = SettingDefinition(
        name: "ACCESS_LOG_SLOW_MS", kind: .integer(default: http.accessLog.slowNanoseconds / 1_000_000, range: 0...60_000, unit: "ms"),
        summary: "Responses that take at least this long are slow")
    static let accessLogLines = SettingDefinition(
        name: "ACCESS_LOG_MAX_PER_SECOND", kind: .integer(default: http.accessLog.maximumLinesPerSecond, range: 1...100_000, unit: "lines"),
        summary: "Access log lines per second; beyond that responses are only counted")
    static let metrics = SettingDefinition(
        name: "METRICS", kind: .choice(default: http.metrics ? "on" : "off", ["on", "off"]),
        summary: "`off` disables metrics and the dashboard")
    static let documentationDirectory = SettingDefinition(
        name: "DOCS_DIRECTORY", kind: .text(default: nil),
        summary: "Directory with the files of Swagger UI and ReDoc (`scripts/fetch-docs-assets`); without it browsers load them from the internet")
    static let googleCloudProject = SettingDefinition(
        name: "GOOGLE_CLOUD_PROJECT", kind: .text(default: nil),
        summary: "Project named in the traces of log lines; on Cloud Run the metadata server provides it")
    static let platformURL = SettingDefinition(
        name: "FACTORY_PLATFORM_URL", kind: .text(default: nil),
        summary: "Address of the AI Agent Factory platform, without a path. The service registers itself there in the background")
    static let selfURL = SettingDefinition(
        name: "SELF_URL", kind: .text(default: nil), summary: "Address of this service, without a path. Required for registration")
    static let platformAuth = SettingDefinition(
        name: "FACTORY_PLATFORM_AUTH", kind: .choice(default: "none", ["none", "id-token"]),
        summary: "`id-token`: authenticate to the platform with an ID token from the metadata server")
    static let platformTimeout = SettingDefinition(
        name: "FACTORY_PLATFORM_TIMEOUT_SECONDS", kind: .integer(default: 10, range: 1...60, unit: "s"),
        summary: "Time the platform has to answer")
    static let platformInterval = SettingDefinition(
        name: "FACTORY_PLATFORM_INTERVAL_SECONDS", kind: .integer(default: 600, range: 0...86_400, unit: "s"),
        summary: "Interval at which the service checks that it is still registered. 0: never")
    static let agentName = SettingDefinition(
        name: "AGENT_NAME", kind: .text(default: "Redis Caching Layer Agent"), summary: "Name of the service on the platform, at most 100 characters")
    static let agentRepository = SettingDefinition(
        name: "AGENT_REPOSITORY_URL", kind: .text(default: nil), summary: "Source repository shown on the platform; `SELF_URL` by default")
    static let agentRequirements = SettingDefinition(
        name: "AGENT_PRD_ID", kind: .text(default: nil), summary: "Identifier of the service's product requirements document on the platform")
    static let environment = SettingDefinition(
        name: "ENVIRONMENT", kind: .text(default: "development"), summary: "Name of the deployment, shown in the log")
    static let configFile = SettingDefinition(
        name: "CONFIG_FILE", kind: .text(default: nil), summary: "File of `NAME=value` lines")
    static let secretsDirectory = SettingDefinition(
        name: "SECRETS_DIRECTORY", kind: .text(default: nil),
        summary: "Directory with one file per setting, such as a mounted secret")
}
