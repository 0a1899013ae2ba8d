package import Telemetry

/// Every family of metrics that the service itself writes, in the order of a scrape. `docs/metrics.md` is made from this list.
package enum MetricCatalogue {
    // MARK: Cache

    static let operations = MetricDescriptor(
        "cache_operations_total", .counter, labels: ["operation", "store", "result"],
        "Cache operations answered, by kind, by the store that answered, and by what came of them.")
    static let operationDuration = MetricDescriptor(
        "cache_operation_duration_seconds", .histogram, unit: "seconds", labels: ["operation"],
        "Time from the first byte of a request at hand to its answer. 0.05 is the promise.")
    static let hits = MetricDescriptor("cache_hits_total", .counter, "Reads that found a value.")
    static let misses = MetricDescriptor("cache_misses_total", .counter, "Reads that found none.")
    static let hitRatio = MetricDescriptor("cache_hit_ratio", .gauge, unit: "ratio", "Share of reads that found a value, since the start.")
    static let degraded = MetricDescriptor("cache_degraded_answers_total", .counter, "Answers from the embedded store while Redis was away.")

    // MARK: HTTP

    static let requests = MetricDescriptor(
        "http_requests_total", .counter, labels: ["handler", "code"], "Requests answered, by the way that answered them and by status.")
    static let requestErrors = MetricDescriptor(
        "http_request_errors_total", .counter, "Answers with a status of 500 or more, but for 501 (a transfer coding that there is not).")
    static let refusals = MetricDescriptor(
        "http_refusals_total", .counter, labels: ["limit"], "Connections and requests refused at a bound, by the bound.")
    static let rememberedTokens = MetricDescriptor(
        "access_tokens_remembered", .gauge, "Verified ID tokens that are remembered (GOOGLE_TOKENS_REMEMBERED).")
    static let inFlight = MetricDescriptor("http_requests_in_flight", .gauge, "Requests that wait for a store or are in the router.")
    static let connections = MetricDescriptor("http_connections", .gauge, "Open connections of clients.")
    static let acceptedConnections = MetricDescriptor("http_connections_accepted_total", .counter, "Connections of clients accepted.")
    static let receivedBytes = MetricDescriptor("http_received_bytes_total", .counter, unit: "bytes", "Bytes received from clients.")
    static let sentBytes = MetricDescriptor("http_sent_bytes_total", .counter, unit: "bytes", "Bytes sent to clients.")
    static let unsentBytes = MetricDescriptor(
        "http_unsent_bytes", .gauge, unit: "bytes", "Bytes of answers that wait for clients that do not read (UNSENT_TOTAL_MAX_BYTES).")
    static let waitingBytes = MetricDescriptor(
        "http_receiving_bytes", .gauge, unit: "bytes", "Bytes of requests that are not complete or not yet used (RECEIVED_TOTAL_MAX_BYTES).")
    static let readPauses = MetricDescriptor(
        "http_read_pauses_total", .counter,
        "Times that a client was not read: it did not read its answers (UNSENT_MAX_BYTES) or sent too far ahead (PIPELINE_MAX_BYTES).")

    // MARK: The embedded store

    static let memoryEntries = MetricDescriptor("memory_store_entries", .gauge, "Entries of the embedded store.")
    static let memoryBytes = MetricDescriptor("memory_store_bytes", .gauge, unit: "bytes", "Bytes that the entries of the embedded store take.")
    static let memoryBound = MetricDescriptor("memory_store_max_bytes", .gauge, unit: "bytes", "Bytes that the embedded store may take.")
    static let memoryEvictions = MetricDescriptor(
        "memory_store_evictions_total", .counter, labels: ["reason"],
        "Entries removed by the embedded store itself: to make room (capacity), or because their time to live was over (expired).")
    static let memoryRejections = MetricDescriptor(
        "memory_store_rejections_total", .counter, "Values that the embedded store refused as too large for its bound.")

    // MARK: Redis

    static let redisConnected = MetricDescriptor(
        "redis_connected", .gauge, "1 where Redis is asked, 0 where memory stands in for it or none is configured.")
    static let redisState = MetricDescriptor("redis_state", .gauge, labels: ["state"], "1 for the state that Redis is in.")
    static let redisConnections = MetricDescriptor("redis_connections", .gauge, "Connections to Redis that are open, one for each event loop.")
    static let redisConnectionsOpened = MetricDescriptor("redis_connections_opened_total", .counter, "Connections to Redis made.")
    static let redisConnectionFailures = MetricDescriptor(
        "redis_connection_failures_total", .counter, "Attempts to connect to Redis that failed, and connections to it that were lost.")
    static let redisPending = MetricDescriptor("redis_commands_pending", .gauge, "Commands that Redis owes a reply to.")
    static let redisDeadlines = MetricDescriptor(
        "redis_deadlines_missed_total", .counter, "Commands that Redis did not reply to within REDIS_DEADLINE_MS.")
    static let redisLateReplies = MetricDescriptor("redis_late_replies_total", .counter, "Replies of Redis to commands that had been given up.")
    static let redisRejected = MetricDescriptor(
        "redis_commands_rejected_total", .counter, "Commands not sent to Redis: more than REDIS_PENDING_MAX waited, or there was no connection.")
    static let outages = MetricDescriptor("redis_outages_total", .counter, "Times that Redis was away, the start included.")
    static let recoveryFailures = MetricDescriptor("redis_recovery_failures_total", .counter, "Attempts to take Redis back that failed.")

    // MARK: Journal and replay

    static let journalKeys = MetricDescriptor("journal_keys", .gauge, "Keys that Redis has to be told of.")
    static let journalKeysBound = MetricDescriptor("journal_max_keys", .gauge, "Keys that the journal may hold (JOURNAL_MAX_KEYS).")
    static let journalPatterns = MetricDescriptor("journal_patterns", .gauge, "Patterns that Redis has to be told of.")
    static let journalBytes = MetricDescriptor("journal_bytes", .gauge, unit: "bytes", "Bytes that the journal takes.")
    static let journalBytesBound = MetricDescriptor(
        "journal_max_bytes", .gauge, unit: "bytes", "Bytes that the journal may take (JOURNAL_MAX_BYTES).")
    static let journalAge = MetricDescriptor("journal_age_seconds", .gauge, unit: "seconds", "Since when the journal holds something.")
    static let journalOverflows = MetricDescriptor("journal_overflows_total", .counter, "Times that the journal reached its bound.")
    static let replayKeys = MetricDescriptor("replay_keys_total", .counter, "Keys of the journal that Redis was told of.")
    static let replayPatterns = MetricDescriptor("replay_patterns_total", .counter, "Patterns of the journal that Redis was told of.")
    static let replayRefusals = MetricDescriptor(
        "replay_refused_total", .counter, labels: ["kind", "reason"],
        "Keys and patterns of the journal that Redis refused for good, and that were given up.")
    static let replayPurges = MetricDescriptor(
        "replay_purges_total", .counter, "Times that everything was deleted after the journal had reached its bound.")
    static let replayDuration = MetricDescriptor("replay_duration_seconds", .gauge, unit: "seconds", "How long the last replay took.")

    static let recentWritesBytes = MetricDescriptor(
        "recent_writes_bytes", .gauge, unit: "bytes", "Bytes of the keys written lately, kept for a failover (OUTAGE_DOUBT_SECONDS).")
    static let recentWritesBound = MetricDescriptor(
        "recent_writes_max_bytes", .gauge, unit: "bytes", "Bytes that they may take (OUTAGE_DOUBT_MAX_BYTES).")
    static let recentWritesOverflows = MetricDescriptor(
        "recent_writes_overflows_total", .counter, "Times that more keys were written lately than are kept.")

    // MARK: The process

    static let eventLoopDelay = MetricDescriptor(
        "event_loop_delay_seconds", .histogram, unit: "seconds", "How late event loops come to what is due: a timer of each, four times a second.")
    static let logLines = MetricDescriptor("log_lines_total", .counter, labels: ["severity"], "Log lines, by severity, the dropped ones included.")
    static let logDropped = MetricDescriptor(
        "log_lines_dropped_total", .counter, "Log lines dropped because LOG_BUFFER_BYTES waited to be written.")
    static let accessLogDropped = MetricDescriptor(
        "access_log_lines_dropped_total", .counter, "Access log lines beyond ACCESS_LOG_MAX_PER_SECOND.")
    static let cpu = MetricDescriptor("process_cpu_seconds_total", .counter, unit: "seconds", "User and system time of the process.")
    static let residentMemory = MetricDescriptor("process_resident_memory_bytes", .gauge, unit: "bytes", "Resident memory of the process.")
    static let virtualMemory = MetricDescriptor("process_virtual_memory_bytes", .gauge, unit: "bytes", "Virtual memory of the process.")
    static let openFiles = MetricDescriptor("process_open_fds", .gauge, "Open file descriptors, sockets included.")
    static let openFilesBound = MetricDescriptor("process_max_fds", .gauge, "File descriptors that the process may have.")
    static let threads = MetricDescriptor("process_threads", .gauge, "Threads of the process.")
    static let startTime = MetricDescriptor("process_start_time_seconds", .gauge, unit: "seconds", "When the process started, since 1970.")
    static let uptime = MetricDescriptor("process_uptime_seconds", .gauge, unit: "seconds", "Seconds since the service started.")
    static let buildInformation = MetricDescriptor("redis_caching_agent_build_info", .gauge, labels: ["version"], "1, with the version.")

    // MARK: Counted through swift-metrics

    static let invalidatedKeys = MetricDescriptor("cache_invalidated_keys_total", .counter, "Keys deleted by invalidations.")
    static let tokenRefreshes = MetricDescriptor(
        "google_access_token_refreshes_total", .counter, labels: ["result"],
        "Access tokens asked of the metadata server, with REDIS_AUTH=google-iam.")

    static let signingKeyRefreshes = MetricDescriptor(
        "google_signing_key_refreshes_total", .counter, labels: ["result"], "Keys asked of the issuer of ID tokens.")
    static let identityTokens = MetricDescriptor(
        "google_id_tokens_total", .counter, labels: ["result"],
        "ID tokens checked: accepted, rejected, or unverified for want of the issuer's keys. Those that are remembered are not checked again.")

    static let registrationRequests = MetricDescriptor(
        "factory_registration_requests_total", .counter, labels: ["request", "result"], "Requests to the platform's register of agents.")
    static let registrationState = MetricDescriptor(
        "factory_registration_state", .gauge, labels: ["state"], "1 for the state that the registration with the platform is in.")

    /// What the control plane counts through swift-metrics: here only for the help texts.
    package static let registered = [invalidatedKeys, tokenRefreshes, signingKeyRefreshes, identityTokens, registrationRequests, registrationState]

    /// In the order of a scrape.
    package static let all: [MetricDescriptor] = [
        operations, operationDuration, hits, misses, hitRatio, degraded,
        requests, requestErrors, refusals, rememberedTokens, inFlight, connections, acceptedConnections, receivedBytes, sentBytes, unsentBytes,
        waitingBytes,
        readPauses,
        memoryEntries, memoryBytes, memoryBound, memoryEvictions, memoryRejections,
        redisConnected, redisState, redisConnections, redisConnectionsOpened, redisConnectionFailures, redisPending, redisDeadlines,
        redisLateReplies, redisRejected, outages, recoveryFailures,
        journalKeys, journalKeysBound, journalPatterns, journalBytes, journalBytesBound, journalAge, journalOverflows,
        replayKeys, replayPatterns, replayRefusals, replayPurges, replayDuration, recentWritesBytes, recentWritesBound, recentWritesOverflows,
        eventLoopDelay, logLines, logDropped, accessLogDropped, cpu, residentMemory, virtualMemory, openFiles, openFilesBound, threads,
        startTime, uptime, buildInformation, MetricRegistry.refusedDescriptor,
    ]

    /// The list as a table for the documentation.
    package static var markdownTable: String {
        let rows = (self.all + self.registered).map { metric in
            let labels = metric.labels.map { "`\($0)`" }.joined(separator: ", ")
            return "| `\(metric.name)` | \(metric.kind.rawValue) | \(labels) | \(metric.help) |"
        }
        return (["| Metric | Type | Labels | What it is |", "|---|---|---|---|"] + rows).joined(separator: "\n")
    }
}
