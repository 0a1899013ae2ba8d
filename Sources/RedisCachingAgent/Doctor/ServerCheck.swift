import RedisClient

/// What Redis says of itself: version, role, memory and eviction.
enum ServerCheck {
    /// From this share of `maxmemory` on Redis counts as nearly full.
    private static let nearlyFull = 0.9

    /// - Parameter information: nil if Redis does not say.
    static func findings(_ information: RedisInformation?) -> [Finding] {
        guard let information else {
            return [.skipped(.server, "INFO is refused"), .skipped(.memory, "INFO is refused")]
        }
        return [self.server(information), self.memory(information)]
    }

    private static func server(_ information: RedisInformation) -> Finding {
        guard let version = information.version else { return .skipped(.server, "Redis does not say its version") }
        if information.role == "slave" {
            return .fault(.server, "Redis \(version), a replica", "Use the address of the primary: a replica refuses writes.")
        }
        let numbers = version.split(separator: ".").prefix(2).compactMap { Int($0) }
        guard numbers.count == 2 else { return .ok(.server, "Redis \(version)") }
        if numbers[0] < 6 {
            return .warning(
                .server, "Redis \(version)",
                "Upgrade to 6.2 or later: this version has no RESP3, no ACL and no SCAN TYPE, which a full journal needs.")
        }
        if numbers[0] == 6, numbers[1] < 2 {
            return .warning(.server, "Redis \(version)", "Upgrade to 6.2 or later: without CLIENT LIST ID old connections outlive an outage.")
        }
        return .ok(.server, "Redis \(version)")
    }

    private static func memory(_ information: RedisInformation) -> Finding {
        guard let maximum = information.maximumMemoryBytes else { return .skipped(.memory, "Redis does not say its maxmemory") }
        let policy = information.evictionPolicy
        guard maximum > 0 else {
            return .warning(
                .memory, "maxmemory is not set",
                "Set maxmemory and maxmemory-policy allkeys-lfu: without them Redis grows until the system ends it.")
        }
        let used = information.usedMemoryBytes.map { "\(self.mebibytes($0)) of " } ?? ""
        let text = "\(used)\(self.mebibytes(maximum)) used, maxmemory-policy \(policy ?? "unknown")"
        switch policy {
        case "noeviction":
            let share = Double(information.usedMemoryBytes ?? 0) / Double(maximum)
            let advice = "Set maxmemory-policy to allkeys-lfu: when Redis is full, writes are answered with 507."
            return share >= self.nearlyFull ? .fault(.memory, text, advice) : .warning(.memory, text, advice)
        case let policy? where policy.hasPrefix("volatile-"):
            return .warning(
                .memory, text, "Set maxmemory-policy to allkeys-lfu, or always set a TTL: keys without one are never evicted, and fill Redis.")
        default:
            return .ok(.memory, text)
        }
    }

    private static func mebibytes(_ bytes: Int64) -> String { "\((bytes + 524_288) / 1_048_576) MiB" }
}
