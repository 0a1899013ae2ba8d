package import Telemetry

/// Every metric family of the service, in the order of a scrape. `docs/metrics.md` is generated from this list.
///
/// All names begin with `cacheagent_`, except the `process_` metrics that Prometheus client libraries share, because common dashboards expect them.
package enum MetricCatalogue {
    // MARK: Cache

    static let operations = MetricDescriptor(
        "cacheagent_cache_operations_total", .counter, labels: ["operation", "store", "result"],
        "Cache operations, by kind, by the store that answered, and by result.")
    static let operationDuration = MetricDescriptor(
        "cacheagent_cache_operation_duration_seconds", .histogram, unit: "seconds", labels: ["operation"],
        "Time from the first byte of a request to its response. The objective is 0.05.")
    static let hits = MetricDescriptor("cacheagent_cache_hits_total", .counter, "Reads that found a value.")
    static let misses = MetricDescriptor("cacheagent_cache_misses_total", .counter, "Reads that found no value.")
    static let hitRatio = MetricDescriptor(
        "cacheagent_cache_hit_ratio", .gauge, unit: "ratio", "Share of reads that found a value since the start.")
    static let degraded = MetricDescriptor(
        "cacheagent_cache_degraded_answers_total", .counter, "Cache operations answered by the embedded store because Redis was unavailable.")

    // MARK: Leases and tags

    static let staleAnswers = MetricDescriptor(
        "cacheagent_cache_stale_answers_total", .counter, "Values answered after their time to live, because they were stored with `stale`.")
    static let outdatedValues = MetricDescriptor(
        "cacheagent_cache_outdated_values_total", .counter, "Reads that found only a value with an invalidated tag, which are misses.")
    static let unreadableValues = MetricDescriptor(
        "cacheagent_cache_unreadable_values_total", .counter, "Reads that found only an envelope that this version cannot read, which are misses.")
    static let leases = MetricDescriptor(
        "cacheagent_leases_total", .counter, labels: ["event"],
        "Leases given, held by somebody else, renewed, filled and given_up, and uses of one that no longer stood (void).")
    static let leaseWaiting = MetricDescriptor(
        "cacheagent_lease_waiting", .gauge, "Requests that wait for a value which another client computes (LEASE_MAX_WAITING).")
    static let leaseWait = MetricDescriptor(
        "cacheagent_lease_wait_seconds", .histogram, unit: "seconds", "How long such requests have waited.")

    // MARK: HTTP

    static let requests = MetricDescriptor(
        "cacheagent_http_requests_total", .counter, labels: ["handler", "code"], "Requests, by the code path that answered them and by status.")
    static let requestErrors = MetricDescriptor(
        "cacheagent_http_request_errors_total", .counter, "5xx responses, excluding 501 (unsupported transfer coding).")
    static let refusals = MetricDescriptor(
        "cacheagent_http_refusals_total", .counter, labels: ["limit"], "Connections and requests refused because a limit was reached, by limit.")
    static let rememberedTokens = MetricDescriptor(
        "cacheagent_access_tokens_remembered", .gauge, "Entries of the verified-token cache (GOOGLE_TOKENS_REMEMBERED).")
    static let inFlight = MetricDescriptor(
        "cacheagent_http_requests_in_flight", .gauge, "Requests that wait for a store or are being handled by the router.")
    static let connections = MetricDescriptor("cacheagent_http_connections", .gauge, "Open client connections.")
    static let connectionsByProtocol = MetricDescriptor(
        "cacheagent_http_protocol_connections", .gauge, labels: ["protocol"],
        "Open client connections, by protocol. Those that have not sent anything yet count as http/1.1.")
    static let http2Requests = MetricDescriptor(
        "cacheagent_http2_requests_total", .counter, "Requests that came over HTTP/2: streams that clients opened.")
    static let acceptedConnections = MetricDescriptor("cacheagent_http_connections_accepted_total", .counter, "Client connections accepted.")
    static let receivedBytes = MetricDescriptor(
        "cacheagent_http_received_bytes_total", .counter, unit: "bytes", "Bytes received from clients.")
    static let sentBytes = MetricDescriptor("cacheagent_http_sent_bytes_total", .counter, unit: "bytes", "Bytes sent to clients.")
    static let unsentBytes = MetricDescriptor(
        "cacheagent_http_unsent_bytes", .gauge, unit: "bytes", "Bytes of responses that clients have not read (UNSENT_TOTAL_MAX_BYTES).")
    static let waitingBytes = MetricDescriptor(
        "cacheagent_http_receiving_bytes", .gauge, unit: "bytes",
        "Bytes of requests that are incomplete or not yet processed (RECEIVED_TOTAL_MAX_BYTES).")
    static let readPauses = MetricDescriptor(
        "cacheagent_http_read_pauses_total", .counter,
        "Times that reading from a client paused: it did not read its responses (UNSENT_MAX_BYTES) or sent too far ahead (PIPELINE_MAX_BYTES).")
    static let batches = MetricDescriptor("cacheagent_http_batches_total", .counter, "Batches carried out.")
    static let batchOperations = MetricDescriptor(
        "cacheagent_http_batch_operations_total", .counter, "Operations of these batches. Each also counts as a get, set or delete.")
    static let batchValuesTooLarge = MetricDescriptor(
        "cacheagent_http_batch_values_too_large_total", .counter,
        "Values found for which the response to a batch had no room (BATCH_MAX_RESPONSE_BYTES).")

    // MARK: The embedded store

    static let memoryEntries = MetricDescriptor("cacheagent_memory_store_entries", .gauge, "Entries of the embedded store.")
    static let memoryBytes = MetricDescriptor("cacheagent_memory_store_bytes", .gauge, unit: "bytes", "Bytes used by the embedded store.")
    static let memoryBound = MetricDescriptor(
        "cacheagent_memory_store_max_bytes", .gauge, unit: "bytes", "Bytes that the embedded store may use (MEMORY_MAX_BYTES).")
    static let memoryEvictions = MetricDescriptor(
        "cacheagent_memory_store_evictions_total", .counter, "Live entries that the embedded store removed to make room.")
    static let memoryExpirations = MetricDescriptor(
        "cacheagent_memory_store_expirations_total", .counter, "Entries that the embedded store removed because they had expired.")
    static let memoryRejections = MetricDescriptor(
        "cacheagent_memory_store_rejections_total", .counter, "Values that the embedded store refused because they are too large for it.")

    // MARK: The near cache

    static let nearCoherence = MetricDescriptor(
        "cacheagent_near_coherence", .gauge, labels: ["mode"],
        "1 for what keeps copies true: Redis (tracking), nothing for a short time (ttl), or no copy is answered as current (off).")
    static let nearEntries = MetricDescriptor("cacheagent_near_entries", .gauge, "Copies of reads from Redis, those of absent keys included.")
    static let nearBytes = MetricDescriptor("cacheagent_near_bytes", .gauge, unit: "bytes", "Bytes used by copies.")
    static let nearBound = MetricDescriptor("cacheagent_near_max_bytes", .gauge, unit: "bytes", "Bytes that copies may use (NEAR_MAX_BYTES).")
    static let nearEvictions = MetricDescriptor("cacheagent_near_evictions_total", .counter, "Live copies removed to make room.")
    static let nearHitAge = MetricDescriptor(
        "cacheagent_near_hit_age_seconds", .histogram, unit: "seconds", "Age of a copy when it was answered.")
    static let nearFills = MetricDescriptor(
        "cacheagent_near_fills_total", .counter, labels: ["result"],
        "Reads from Redis that were to be kept: kept, fenced (the key may have changed meanwhile) or unsuitable (too large, or not JSON).")
    static let nearSharedReads = MetricDescriptor(
        "cacheagent_near_shared_reads_total", .counter, "Reads that shared the reply to another read of the same key.")
    static let nearPushes = MetricDescriptor(
        "cacheagent_near_pushes_total", .counter, labels: ["kind"],
        "Messages from Redis about changes: of keys, of everything (FLUSHALL), and others.")
    static let nearInvalidatedKeys = MetricDescriptor(
        "cacheagent_near_invalidated_keys_total", .counter, "Keys in these messages.")
    static let nearCoverageLosses = MetricDescriptor(
        "cacheagent_near_coverage_losses_total", .counter, labels: ["reason"],
        "Times that the copies of a connection were no longer current, because it ended (connection) or gave no sign of life (silence).")

    // MARK: Redis

    static let redisConnected = MetricDescriptor(
        "cacheagent_redis_connected", .gauge, "1 if requests go to Redis, 0 if the embedded store serves them.")
    static let redisState = MetricDescriptor(
        "cacheagent_redis_state", .gauge, labels: ["state"], "1 for the current state of Redis, 0 for the others.")
    static let redisConnections = MetricDescriptor(
        "cacheagent_redis_connections", .gauge,
        "Open connections to Redis: one for each event loop, in a cluster one for each event loop and shard.")
    static let redisConnectionsOpened = MetricDescriptor(
        "cacheagent_redis_connections_opened_total", .counter, "Connections to Redis opened.")
    static let redisConnectionFailures = MetricDescriptor(
        "cacheagent_redis_connection_failures_total", .counter, "Failed attempts to connect to Redis, and connections lost.")
    static let redisPending = MetricDescriptor("cacheagent_redis_commands_pending", .gauge, "Commands waiting for a reply from Redis.")
    static let redisDeadlines = MetricDescriptor(
        "cacheagent_redis_deadlines_missed_total", .counter, "Commands that got no reply within REDIS_DEADLINE_MS.")
    static let redisLateReplies = MetricDescriptor(
        "cacheagent_redis_late_replies_total", .counter, "Replies that arrived after their command was abandoned.")
    static let redisRejected = MetricDescriptor(
        "cacheagent_redis_commands_rejected_total", .counter,
        "Commands not sent to Redis because REDIS_PENDING_MAX were waiting or there was no connection.")
    static let outages = MetricDescriptor(
        "cacheagent_redis_outages_total", .counter, "Times that Redis was unavailable, including the time until the first connection.")
    static let recoveryFailures = MetricDescriptor(
        "cacheagent_redis_recovery_failures_total", .counter, "Attempts to return to Redis after an outage that failed.")

    // MARK: A cluster

    static let clusterNodes = MetricDescriptor("cacheagent_cluster_nodes", .gauge, "Masters of the cluster that serve slots.")
    static let clusterShards = MetricDescriptor(
        "cacheagent_cluster_shards", .gauge, labels: ["state"],
        "Shards of the cluster by their state. Slots that no node serves are a shard, which is away (outage).")
    static let clusterServed = MetricDescriptor(
        "cacheagent_cluster_slots_served_ratio", .gauge, unit: "ratio",
        "Share of slots whose keys Redis is asked for. Memory answers for the others.")
    static let clusterUncovered = MetricDescriptor(
        "cacheagent_cluster_slots_uncovered", .gauge, "Slots that no node of the cluster serves, or only one beyond REDIS_CLUSTER_MAX_SHARDS.")
    static let clusterRedirects = MetricDescriptor(
        "cacheagent_cluster_redirects_total", .counter, labels: ["kind"],
        "Commands that a node sent to another one, because the slot is there (moved) or on its way there (ask).")
    static let clusterRedirectsToSelf = MetricDescriptor(
        "cacheagent_cluster_redirects_to_self_total", .counter,
        "Redirects among these to the node that sent them: another machine is behind its address, and the connection is closed.")
    static let clusterRedirectsGivenUp = MetricDescriptor(
        "cacheagent_cluster_redirects_given_up_total", .counter,
        "Redirects among these after which memory answered: the node is not known or not connected, or there was too little time.")
    static let clusterRefreshes = MetricDescriptor(
        "cacheagent_cluster_topology_refreshes_total", .counter, "Times that nodes were asked which of them serves which slots.")
    static let clusterTriggers = MetricDescriptor(
        "cacheagent_cluster_topology_triggers_total", .counter, labels: ["reason"],
        "What asked for a refresh before its time. Many of them together lead to one.")
    static let clusterRefused = MetricDescriptor(
        "cacheagent_cluster_topology_refused_total", .counter,
        "Answers of nodes that were not believed, because they were empty, older than what is known, or of a node that is cut off.")

    // MARK: Journal and replay

    static let journalKeys = MetricDescriptor("cacheagent_journal_keys", .gauge, "Keys waiting to be replayed to Redis.")
    static let journalKeysBound = MetricDescriptor(
        "cacheagent_journal_max_keys", .gauge, "Keys that the journal may hold (JOURNAL_MAX_KEYS).")
    static let journalPatterns = MetricDescriptor("cacheagent_journal_patterns", .gauge, "Patterns waiting to be replayed to Redis.")
    static let journalBytes = MetricDescriptor("cacheagent_journal_bytes", .gauge, unit: "bytes", "Bytes used by the journal.")
    static let journalBytesBound = MetricDescriptor(
        "cacheagent_journal_max_bytes", .gauge, unit: "bytes", "Bytes that the journal may use (JOURNAL_MAX_BYTES).")
    static let journalAge = MetricDescriptor(
        "cacheagent_journal_age_seconds", .gauge, unit: "seconds", "Age of the oldest journal entry, 0 if the journal is empty.")
    static let journalOverflows = MetricDescriptor("cacheagent_journal_overflows_total", .counter, "Times that the journal was full.")
    static let replayKeys = MetricDescriptor("cacheagent_replay_keys_total", .counter, "Keys replayed from the journal to Redis.")
    static let replayPatterns = MetricDescriptor("cacheagent_replay_patterns_total", .counter, "Patterns replayed from the journal to Redis.")
    static let replayRefusals = MetricDescriptor(
        "cacheagent_replay_refused_total", .counter, labels: ["kind", "reason"],
        "Journal keys and patterns dropped because Redis permanently refused them.")
    static let replayPurges = MetricDescriptor(
        "cacheagent_replay_purges_total", .counter, "Times that all strings in Redis were deleted because the journal had been full.")
    static let replayDuration = MetricDescriptor(
        "cacheagent_replay_duration_seconds", .gauge, unit: "seconds", "Duration of the last replay.")

    static let recentWritesBytes = MetricDescriptor(
        "cacheagent_recent_writes_bytes", .gauge, unit: "bytes", "Bytes of recently written keys, kept for a failover (OUTAGE_DOUBT_SECONDS).")
    static let recentWritesBound = MetricDescriptor(
        "cacheagent_recent_writes_max_bytes", .gauge, unit: "bytes", "Bytes that they may use (OUTAGE_DOUBT_MAX_BYTES).")
    static let recentWritesOverflows = MetricDescriptor(
        "cacheagent_recent_writes_overflows_total", .counter, "Times that more keys were recently written than fit.")

    // MARK: The process

    static let eventLoopDelay = MetricDescriptor(
        "cacheagent_event_loop_delay_seconds", .histogram, unit: "seconds",
        "How late the event loops run, measured with a timer on each, four times a second.")
    static let logLines = MetricDescriptor(
        "cacheagent_log_lines_total", .counter, labels: ["severity"], "Log lines by severity, including dropped ones.")
    static let logDropped = MetricDescriptor(
        "cacheagent_log_lines_dropped_total", .counter, "Log lines dropped because LOG_BUFFER_BYTES were waiting to be written.")
    static let accessLogDropped = MetricDescriptor(
        "cacheagent_access_log_lines_dropped_total", .counter, "Access log lines dropped beyond ACCESS_LOG_MAX_PER_SECOND.")
    static let cpu = MetricDescriptor("process_cpu_seconds_total", .counter, unit: "seconds", "User and system time of the process.")
    static let residentMemory = MetricDescriptor("process_resident_memory_bytes", .gauge, unit: "bytes", "Resident memory of the process.")
    static let virtualMemory = MetricDescriptor("process_virtual_memory_bytes", .gauge, unit: "bytes", "Virtual memory of the process.")
    static let openFiles = MetricDescriptor("process_open_fds", .gauge, "Open file descriptors, including sockets.")
    static let openFilesBound = MetricDescriptor("process_max_fds", .gauge, "Limit of open file descriptors.")
    static let threads = MetricDescriptor("process_threads", .gauge, "Threads of the process.")
    static let startTime = MetricDescriptor(
        "process_start_time_seconds", .gauge, unit: "seconds", "Start time of the process, in seconds since 1970.")
    static let uptime = MetricDescriptor("cacheagent_uptime_seconds", .gauge, unit: "seconds", "Seconds since the service started.")
    static let buildInformation = MetricDescriptor("cacheagent_build_info", .gauge, labels: ["version"], "Always 1; the version is a label.")

    // MARK: Counted through swift-metrics

    static let invalidatedKeys = MetricDescriptor("cacheagent_cache_invalidated_keys_total", .counter, "Keys deleted by invalidations.")
    static let invalidatedTags = MetricDescriptor("cacheagent_cache_invalidated_tags_total", .counter, "Invalidations of a tag.")
    static let tokenRefreshes = MetricDescriptor(
        "cacheagent_google_access_token_refreshes_total", .counter, labels: ["result"],
        "Access tokens requested from the metadata server (REDIS_AUTH=google-iam).")

    static let signingKeyRefreshes = MetricDescriptor(
        "cacheagent_google_signing_key_refreshes_total", .counter, labels: ["result"], "Requests for the signing keys of the ID token issuer.")
    static let identityTokens = MetricDescriptor(
        "cacheagent_google_id_tokens_total", .counter, labels: ["result"],
        "ID tokens checked: accepted, rejected, or unverified because the issuer's keys were not available. Tokens in the verified-token cache are not checked again."
    )

    static let registrationRequests = MetricDescriptor(
        "cacheagent_factory_registration_requests_total", .counter, labels: ["request", "result"], "Requests to the platform's agent registry.")
    static let registrationState = MetricDescriptor(
        "cacheagent_factory_registration_state", .gauge, labels: ["state"],
        "1 for the current state of the registration with the platform, 0 for the others.")

    /// What the control plane counts through swift-metrics: here only for the help texts.
    package static let registered = [
        invalidatedKeys, invalidatedTags, tokenRefreshes, signingKeyRefreshes, identityTokens, registrationRequests, registrationState,
    ]

    /// In the order of a scrape.
    package static let all: [MetricDescriptor] = [
        operations, operationDuration, hits, misses, hitRatio, degraded,
        staleAnswers, outdatedValues, unreadableValues, leases, leaseWaiting, leaseWait,
        requests, requestErrors, refusals, rememberedTokens, inFlight, connections, connectionsByProtocol, acceptedConnections,
        http2Requests, receivedBytes, sentBytes, unsentBytes,
        waitingBytes, readPauses, batches, batchOperations, batchValuesTooLarge,
        memoryEntries, memoryBytes, memoryBound, memoryEvictions, memoryExpirations, memoryRejections,
        nearCoherence, nearEntries, nearBytes, nearBound, nearEvictions, nearHitAge, nearFills, nearSharedReads, nearPushes, nearInvalidatedKeys,
        nearCoverageLosses,
        redisConnected, redisState, redisConnections, redisConnectionsOpened, redisConnectionFailures, redisPending, redisDeadlines,
        redisLateReplies, redisRejected, outages, recoveryFailures,
        clusterNodes, clusterShards, clusterServed, clusterUncovered, clusterRedirects, clusterRedirectsToSelf, clusterRedirectsGivenUp,
        clusterRefreshes, clusterTriggers, clusterRefused,
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
