/// Why a store refused an operation. None of these is an outage: reads go on.
package enum CacheRefusal: Sendable, Hashable {
    /// Redis is at `maxmemory` and evicts nothing that would make room (`-OOM`).
    case outOfMemory
    /// The value is larger than one entry of the embedded store may be.
    case valueTooLargeForStore
    /// The value is larger than Redis takes (`proto-max-bulk-len`).
    case valueTooLargeForRedis
    /// The key holds another type than a string (`-WRONGTYPE`), or a value too large to be read.
    case notReadable
    /// The user of the service may not touch this key in Redis (`-NOPERM`).
    case notPermitted
}
