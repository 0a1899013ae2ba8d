import Cache
import MemoryStore
import NIOCore
import OperatingSystem

extension OutageSettings {
    /// What happens while Redis is unavailable, from the settings.
    init(_ reader: inout SettingReader) {
        self.init()
        self.deadlinesInARow = reader.integer(SettingCatalogue.redisDeadlinesInARow)
        self.writes = Self.writes(&reader)
        self.journalKeys = reader.integer(SettingCatalogue.journalKeys)
        self.journalPatterns = reader.integer(SettingCatalogue.journalPatterns)
        self.journalBytes = reader.integer(SettingCatalogue.journalBytes)
        self.recentWritesSpan = .seconds(Int64(reader.integer(SettingCatalogue.recentWritesSpan)))
        if reader.raw(SettingCatalogue.recentWritesSpan) != nil { self.recentWritesSpanInCluster = self.recentWritesSpan }
        self.recentWritesBytes = reader.integer(SettingCatalogue.recentWritesBytes)
        self.reads = OutageReads(rawValue: reader.choice(SettingCatalogue.outageReads)) ?? .near
        self.staleLimit = .seconds(Int64(reader.integer(SettingCatalogue.outageStaleLimit)))
        self.barrier = .milliseconds(Int64(reader.integer(SettingCatalogue.outageBarrier)))
        self.pauseBase = .milliseconds(Int64(reader.integer(SettingCatalogue.redisReconnectBase)))
        self.pauseCap = .milliseconds(Int64(reader.integer(SettingCatalogue.redisReconnectCap)))
        if self.pauseCap < self.pauseBase {
            reader.add(SettingCatalogue.redisReconnectCap, "is less than \(SettingCatalogue.redisReconnectBase.name)")
        }
    }

    /// If a platform scales the service, another instance may have written the key meanwhile.
    private static func writes(_ reader: inout SettingReader) -> OutageWrites {
        if let chosen = OutageWrites(rawValue: reader.choice(SettingCatalogue.outageWrites)) { return chosen }
        let mayScale = reader.raw(SettingCatalogue.cloudRunService) != nil || reader.raw(SettingCatalogue.kubernetesHost) != nil
        return mayScale ? .invalidate : .restore
    }
}

extension NearCacheSettings {
    /// The copies of reads, from the settings.
    /// - Parameter storeBytes: what all stores of the process may take together.
    init(_ reader: inout SettingReader, storeBytes: Int) {
        self.init()
        self.mode = NearCacheMode(rawValue: reader.choice(SettingCatalogue.nearMode)) ?? .auto
        self.maximumAge = .seconds(Int64(reader.integer(SettingCatalogue.nearMaximumAge)))
        self.absenceAge = .seconds(Int64(reader.integer(SettingCatalogue.nearAbsenceAge)))
        if reader.raw(SettingCatalogue.nearAbsenceAge) != nil { self.absenceAgeInCluster = self.absenceAge }
        self.maximumValueBytes = reader.integer(SettingCatalogue.nearValueBytes)
        self.timeToLive = .milliseconds(Int64(reader.integer(SettingCatalogue.nearTimeToLive)))
        self.maximumPushedKeys = reader.integer(SettingCatalogue.nearPushedKeys)
        self.signOfLifeInterval = .milliseconds(Int64(reader.integer(SettingCatalogue.nearSignOfLife)))
        self.maximumBytes = reader.integer(SettingCatalogue.nearBytes, default: storeBytes / 2)
        if self.maximumBytes >= storeBytes, reader.faults.isEmpty {
            reader.add(SettingCatalogue.nearBytes, "is not less than \(SettingCatalogue.memoryBytes.name)")
        }
    }

}

extension MemoryStoreConfiguration {
    /// The embedded store, from the settings.
    ///
    /// - Parameter largestEntryBytes: what one shard should be able to hold if the bound allows it; larger entries are answered with 507.
    init(_ reader: inout SettingReader, bytes: Int, largestEntryBytes: Int) {
        let shards = reader.integer(SettingCatalogue.memoryShards)
        guard shards.nonzeroBitCount == 1 else {
            reader.add(SettingCatalogue.memoryShards, "\(shards) is not a power of two")
            self.init(maximumBytes: bytes)
            return
        }
        // An entry may take a quarter of a shard.
        let fitting = max(1, bytes / (4 * (largestEntryBytes + 1024)))
        self.init(maximumBytes: bytes, shardCount: min(shards, 1 << (Int.bitWidth - 1 - fitting.leadingZeroBitCount)))
    }

    /// A quarter of the container's memory, from 1 to 512 MiB: the rest is for connections, code and the peaks of the allocator.
    static var defaultStoreBytes: Int { min(MemoryStoreConfiguration().maximumBytes, max(1 << 20, ContainerMemory.limitBytes / 4)) }
}
