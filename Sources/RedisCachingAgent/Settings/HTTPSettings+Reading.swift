import CacheAPI
import HTTPWire
import NIOCore

extension HTTPSettings {
    /// The HTTP side, from the settings.
    init(_ reader: inout SettingReader) {
        self.init()
        self.limits = RequestLimits(
            maximumKeyBytes: reader.integer(SettingCatalogue.keyBytes),
            maximumValueBytes: reader.integer(SettingCatalogue.valueBytes),
            maximumTTLSeconds: Int64(reader.integer(SettingCatalogue.ttlSeconds)),
            maximumJSONDepth: reader.integer(SettingCatalogue.jsonDepth)
        )
        self.limits.maximumBatchOperations = reader.integer(SettingCatalogue.batchOperations)
        self.maximumBatchResponseBytes = reader.integer(SettingCatalogue.batchResponseBytes)
        self.maximumHeadBytes = reader.integer(SettingCatalogue.headBytes)
        self.maximumPipelinedBytes = reader.integer(SettingCatalogue.pipelineBytes)
        self.idleTimeout = .seconds(Int64(reader.integer(SettingCatalogue.idleTimeout)))
        self.requestTimeout = .seconds(Int64(reader.integer(SettingCatalogue.requestTimeout)))
        self.maximumUnsentBytes = reader.integer(SettingCatalogue.unsentBytes)
        self.lingerTimeout = .milliseconds(Int64(reader.integer(SettingCatalogue.lingerTimeout)))
        self.drainTimeout = .milliseconds(Int64(reader.integer(SettingCatalogue.lastRequest)))
        self.lastAnswerTimeout = .milliseconds(Int64(reader.integer(SettingCatalogue.lastAnswer)))
        self.fastLane = reader.choice(SettingCatalogue.fastLane) == "on"
        self.http2 = reader.choice(SettingCatalogue.http2) == "on"
        self.maximumStreams = reader.integer(SettingCatalogue.maximumStreams)
        self.maximumAbuse = reader.integer(SettingCatalogue.maximumAbuse)
        self.serviceLimits = ServiceLimits(&reader)
        self.cors = Self.cors(&reader)
        self.metricsAreOpen = reader.choice(SettingCatalogue.metricsAccess) == "open"
        self.documentationDirectory = reader.text(SettingCatalogue.documentationDirectory)
        self.metrics = reader.choice(SettingCatalogue.metrics) == "on"
        self.accessLog = AccessLogSettings(&reader)
    }

    private static func cors(_ reader: inout SettingReader) -> CORSPolicy? {
        guard let text = reader.text(SettingCatalogue.corsOrigins) else { return nil }
        guard let policy = CORSPolicy(text) else {
            reader.add(SettingCatalogue.corsOrigins, "not origins as https://app.example.com or https://*.example.com, separated by commas")
            return nil
        }
        return policy
    }
}

extension ServiceLimits {
    fileprivate init(_ reader: inout SettingReader) {
        self.init()
        self.maximumConnections = reader.integer(SettingCatalogue.maximumConnections)
        self.maximumConnectionsPerPeer = reader.integer(SettingCatalogue.maximumConnectionsPerPeer)
        self.maximumRequestsInFlight = reader.integer(SettingCatalogue.requestsInFlight)
        self.maximumProbes = reader.integer(SettingCatalogue.maximumProbes)
        self.maximumUnsentBytes = reader.integer(SettingCatalogue.totalUnsentBytes)
        self.maximumReceivedBytes = reader.integer(SettingCatalogue.totalReceivedBytes)
        self.maximumInvalidations = reader.integer(SettingCatalogue.maximumInvalidations)
        self.maximumLeaseWaiters = reader.integer(SettingCatalogue.leaseWaiters)
        self.maximumHeaderFields = reader.integer(SettingCatalogue.headerFields)
        self.maximumTargetBytes = reader.integer(SettingCatalogue.targetBytes)
    }
}

extension AccessLogSettings {
    fileprivate init(_ reader: inout SettingReader) {
        self.init()
        self.mode = AccessLogSettings.Mode(rawValue: reader.choice(SettingCatalogue.accessLog)) ?? self.mode
        self.sampleInterval = reader.integer(SettingCatalogue.accessLogSample)
        self.slowNanoseconds = reader.integer(SettingCatalogue.accessLogSlow) * 1_000_000
        self.maximumLinesPerSecond = reader.integer(SettingCatalogue.accessLogLines)
    }
}
