/// How much the service takes on at once. Beyond it requests are refused, so that those that are admitted are answered in time.
package struct ServiceLimits: Sendable, Hashable {
    /// Connections of clients at once. 1 to 1,000,000.
    package var maximumConnections = 4096
    /// Connections of one address at once; 0 for no bound: behind a front end all clients have its addresses. 0 to 1,000,000.
    package var maximumConnectionsPerPeer = 0
    /// Requests that wait for Redis, and separately requests in the router. 1 to 1,000,000.
    package var maximumRequestsInFlight = 2048
    /// Requests for probes and metrics in the router, which do not count among those. 1 to 10,000.
    package var maximumProbes = 64
    /// Bytes of answers that wait for clients that do not read, over all connections. 1 MiB to 64 GiB.
    package var maximumUnsentBytes = 128 << 20
    /// Bytes of requests that are not complete or not yet used, over all connections. 1 MiB to 64 GiB.
    package var maximumReceivedBytes = 128 << 20
    /// Invalidations that run at once: each walks over all keys. 1 to 1,000.
    package var maximumInvalidations = 4
    /// Fields of a head; beyond it 431. 8 to 1,000.
    package var maximumHeaderFields = 100
    /// The longest target in bytes; beyond it 414. 64 B to 64 KiB (RFC 9112, section 3, recommends at least 8,000).
    package var maximumTargetBytes = 8192

    package init() {}
}
