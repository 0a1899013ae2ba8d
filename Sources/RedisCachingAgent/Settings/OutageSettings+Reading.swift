import Cache
import NIOCore

extension OutageSettings {
    /// What happens while Redis is away, from the settings.
    init(_ reader: inout SettingReader) {
        self.init()
        self.deadlinesInARow = reader.integer(SettingCatalogue.redisDeadlinesInARow)
        self.writes = Self.writes(&reader)
        self.journalKeys = reader.integer(SettingCatalogue.journalKeys)
        self.journalPatterns = reader.integer(SettingCatalogue.journalPatterns)
        self.journalBytes = reader.integer(SettingCatalogue.journalBytes)
        self.doubt = .seconds(Int64(reader.integer(SettingCatalogue.outageDoubt)))
        self.recentWritesBytes = reader.integer(SettingCatalogue.outageDoubtBytes)
        self.barrier = .milliseconds(Int64(reader.integer(SettingCatalogue.outageBarrier)))
        self.pauseBase = .milliseconds(Int64(reader.integer(SettingCatalogue.redisReconnectBase)))
        self.pauseCap = .milliseconds(Int64(reader.integer(SettingCatalogue.redisReconnectCap)))
        if self.pauseCap < self.pauseBase {
            reader.add(SettingCatalogue.redisReconnectCap, "is less than \(SettingCatalogue.redisReconnectBase.name)")
        }
    }

    /// Where a platform scales the service, another instance may have written the key meanwhile.
    private static func writes(_ reader: inout SettingReader) -> OutageWrites {
        if let chosen = OutageWrites(rawValue: reader.choice(SettingCatalogue.outageWrites)) { return chosen }
        let mayScale = reader.raw(SettingCatalogue.cloudRunService) != nil || reader.raw(SettingCatalogue.kubernetesHost) != nil
        return mayScale ? .invalidate : .restore
    }
}
