/// Which store gave an answer: the `detail` parameter of the `Cache-Status` field.
package enum CacheSource: Int, Sendable, Hashable, CaseIterable {
    /// The embedded store, because no Redis is configured.
    case memory
    /// Redis.
    case redis
    /// The embedded store, because the configured Redis could not answer in time.
    case outage

    /// Whether the answer comes from a fallback: such answers carry `X-Cache-Degraded: 1`.
    package var isDegraded: Bool { self == .outage }

    /// The name in the metrics and in `Cache-Status`.
    package var name: String {
        switch self {
        case .memory: "memory"
        case .redis: "redis"
        case .outage: "outage"
        }
    }
}
