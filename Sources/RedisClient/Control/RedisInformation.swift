/// The fields of INFO that the service uses; nil if this Redis does not report them.
package struct RedisInformation: Sendable, Hashable {
    package var version: String?
    /// Different for every start of a server.
    package var runIdentifier: String?
    /// `master` or `slave`.
    package var role: String?
    package var uptimeSeconds: Int64?
    package var connectedClients: Int64?
    /// As Redis formats it, for example `1.23M`.
    package var usedMemoryHuman: String?
    package var usedMemoryBytes: Int64?
    /// 0 means no limit.
    package var maximumMemoryBytes: Int64?
    /// `maxmemory-policy`, for example `allkeys-lfu`.
    package var evictionPolicy: String?
    package var totalCommandsProcessed: Int64?
    package var keyspaceHits: Int64?
    package var keyspaceMisses: Int64?
    /// Keys evicted to make room since the server started.
    package var evictedKeys: Int64?
    /// Keys in the selected database, including expired ones that are not yet removed.
    package var keyCount: Int64?

    package init() {}

    /// Reads the lines `name:value` of an INFO reply and ignores all others. Linear.
    package init(info: some Sequence<UInt8>, keyCount: Int64?) {
        self.init()
        self.keyCount = keyCount
        let text = String(decoding: Array(info), as: UTF8.self)
        // "\r\n" is one Character, hence the split by newlines of any kind.
        for line in text.split(whereSeparator: \.isNewline) {
            guard let colon = line.firstIndex(of: ":") else {
                continue
            }
            self.read(line[..<colon], line[line.index(after: colon)...])
        }
    }

    private mutating func read(_ name: Substring, _ value: Substring) {
        switch name {
        case "redis_version": self.version = String(value)
        case "run_id": self.runIdentifier = String(value)
        case "role": self.role = String(value)
        case "uptime_in_seconds": self.uptimeSeconds = Int64(value)
        case "connected_clients": self.connectedClients = Int64(value)
        case "used_memory_human": self.usedMemoryHuman = String(value)
        case "used_memory": self.usedMemoryBytes = Int64(value)
        case "maxmemory": self.maximumMemoryBytes = Int64(value)
        case "maxmemory_policy": self.evictionPolicy = String(value)
        case "total_commands_processed": self.totalCommandsProcessed = Int64(value)
        case "keyspace_hits": self.keyspaceHits = Int64(value)
        case "keyspace_misses": self.keyspaceMisses = Int64(value)
        case "evicted_keys": self.evictedKeys = Int64(value)
        default: break
        }
    }
}
