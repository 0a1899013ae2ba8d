/// Which store gave an answer: the `detail` parameter of the `Cache-Status` field.
package enum CacheSource: Sendable, Hashable {
    /// The embedded store, because no Redis is configured.
    case memory
    /// Redis.
    case redis
    /// The embedded store, because the configured Redis could not answer in time.
    case outage

    /// Whether the answer comes from a fallback: such answers carry `X-Cache-Degraded: 1`.
    package var isDegraded: Bool { self == .outage }
}
