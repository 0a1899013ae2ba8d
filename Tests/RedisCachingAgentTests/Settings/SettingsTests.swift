import Cache
import CacheAPI
import Configuration
import HTTPWire
import MemoryStore
import NIOCore
import RedisClient
import TestSupport
import Testing

@testable import RedisCachingAgent

/// Settings: defaults, ranges, all faults at once, secrets.
@Suite struct SettingsTests {
    private func load(_ values: [String: String]) throws -> AgentSettings {
        try AgentSettings(ConfigReader(provider: EnvironmentVariablesProvider(environmentVariables: values)))
    }

    private func faults(_ values: [String: String]) -> [String] {
        do {
            _ = try self.load(values)
            return []
        } catch {
            return (error as? SettingFaults)?.faults ?? ["\(error)"]
        }
    }

    @Test func defaults() throws {
        let settings = try self.load([:])
        #expect(settings.host == "0.0.0.0")
        #expect(settings.port == 8080)
        #expect(settings.redis == nil)
        #expect(settings.http.fastLane)
        #expect(settings.http.limits.maximumKeyBytes == 1024)
        #expect(settings.http.limits.maximumValueBytes == 1 << 20)
        #expect(settings.memory.maximumBytes <= 512 << 20)
        #expect(settings.shutdownGraceSeconds == 8)
    }

    @Test func endsOfAConnection() throws {
        let http = try self.load(["UNSENT_MAX_BYTES": "5000", "LINGER_MS": "1", "LAST_REQUEST_MS": "2", "LAST_ANSWER_MS": "3"]).http
        #expect(http.maximumUnsentBytes == 5000)
        #expect(http.lingerTimeout == .milliseconds(1))
        #expect(http.drainTimeout == .milliseconds(2))
        #expect(http.lastAnswerTimeout == .milliseconds(3))
        let defaults = try self.load([:]).http
        #expect(defaults.lingerTimeout == .seconds(1) && defaults.drainTimeout == .milliseconds(500) && defaults.lastAnswerTimeout == .seconds(2))
    }

    @Test func anEmptyValueIsNoValue() throws {
        #expect(try self.load(["PORT": "", "REDIS_URL": "\n"]).port == 8080)
        #expect(try self.load(["REDIS_HOST": ""]).redis == nil)
    }

    @Test func redisByHostAndPort() throws {
        let redis = try #require(try self.load(["REDIS_HOST": "cache", "REDIS_PASSWORD": "hunter2\n", "REDIS_DB": "3"]).redis)
        #expect(redis.endpoint == .tcp(host: "cache", port: 6379))
        #expect(redis.password == "hunter2")
        #expect(redis.database == 3)
        #expect(redis.commandDeadline == .milliseconds(30))
    }

    @Test func theURLWins() throws {
        let redis = try #require(try self.load(["REDIS_HOST": "other", "REDIS_URL": "redis://u:p@cache:7000/2"]).redis)
        #expect(redis.endpoint == .tcp(host: "cache", port: 7000))
        #expect(redis.user == "u")
        #expect(redis.database == 2)
    }

    @Test func aCluster() throws {
        let redis = try #require(try self.load(["REDIS_URL": "redis://a:1,b", "REDIS_CLUSTER": "ON", "REDIS_CLUSTER_MAX_SHARDS": "9"]).redis)
        #expect(redis.seeds == [.tcp(host: "a", port: 1), .tcp(host: "b", port: 6379)])
        #expect(redis.clusterMode == .on && redis.maximumShards == 9)
        let single = try #require(try self.load(["REDIS_HOST": "a"]).redis)
        #expect(single.clusterMode == .auto && single.maximumShards == 128)
    }

    @Test func clustersThatCannotBe() {
        let database = "REDIS_CLUSTER: A Redis cluster has database 0 only."
        #expect(self.faults(["REDIS_HOST": "a", "REDIS_DB": "3", "REDIS_CLUSTER": "on"]) == [database])
        #expect(self.faults(["REDIS_URL": "redis://a,b/3"]) == [database])
        #expect(self.faults(["REDIS_HOST": "a", "REDIS_DB": "3"]) == [])
        #expect(
            self.faults(["REDIS_URL": "redis://a,b", "REDIS_CLUSTER": "off"])
                == ["REDIS_CLUSTER: Several addresses of Redis are those of a cluster."])
        #expect(self.faults(["REDIS_CLUSTER": "yes"]) == ["REDIS_CLUSTER: 'yes' is none of auto, on, off"])
    }

    /// Which defaults apply is known once Redis has answered; what is set applies in any case.
    @Test func defaultsInACluster() throws {
        let unset = try self.load(["REDIS_HOST": "a"])
        #expect(unset.outage.recentWritesSpan == .seconds(2) && unset.outage.recentWritesSpanInCluster == .seconds(20))
        #expect(unset.near?.absenceAge == .seconds(5) && unset.near?.absenceAgeInCluster == .seconds(1))
        let set = try self.load(["REDIS_HOST": "a", "OUTAGE_DOUBT_SECONDS": "2", "NEAR_ABSENCE_SECONDS": "5", "NEAR_VALUE_MAX_BYTES": "7"])
        #expect(set.outage.recentWritesSpanInCluster == .seconds(2) && set.outage.recentWritesSpan == .seconds(2))
        #expect(set.near?.absenceAgeInCluster == .seconds(5) && set.near?.maximumValueBytes == 7)
    }

    /// Each number is accepted at both ends of its range and refused one beyond.
    @Test(arguments: SettingCatalogue.all.map(\.name)) func ranges(_ name: String) throws {
        guard let setting = SettingCatalogue.all.first(where: { $0.name == name }), case .integer(_, let range, _, _) = setting.kind else { return }
        // Some settings only make sense together.
        let companions = [
            "REDIS_RECONNECT_CAP_MS": ["REDIS_RECONNECT_BASE_MS": "1"], "REDIS_RECONNECT_BASE_MS": ["REDIS_RECONNECT_CAP_MS": "60000"],
            "REDIS_DEADLINE_MS": ["REDIS_DEAD_TIMEOUT_MS": "10000"], "REDIS_DEAD_TIMEOUT_MS": ["REDIS_DEADLINE_MS": "1"],
            "NEAR_MAX_BYTES": ["MEMORY_MAX_BYTES": "68719476736"],
        ]
        for value in [range.lowerBound, range.upperBound] {
            #expect(self.faults([name: "\(value)"].merging(companions[name] ?? [:]) { $1 }) == [], "\(name)=\(value)")
        }
        for value in [range.lowerBound - 1, range.upperBound + 1] {
            #expect(
                self.faults([name: "\(value)"].merging(companions[name] ?? [:]) { $1 })
                    == ["\(name): \(value) is not in the range \(range.lowerBound) to \(range.upperBound)"])
        }
        #expect(self.faults([name: "x1"].merging(companions[name] ?? [:]) { $1 }) == ["\(name): 'x1' is not a whole number"])
    }

    @Test func allFaultsAreListedInOrder() {
        #expect(
            self.faults(["PORT": "0x10", "FAST_LANE": "maybe\u{1b}[31m", "LOG_LEVEL": "loud", "MEMORY_SHARDS": "3"]) == [
                "PORT: '0x10' is not a whole number", "FAST_LANE: 'maybe?[31m' is none of on, off", "MEMORY_SHARDS: 3 is not a power of two",
                "LOG_LEVEL: 'loud' is none of trace, debug, info, notice, warning, error, critical",
            ])
    }

    @Test func faultsShowNoSecret() {
        let text = self.faults(["REDIS_URL": "redis://user:hunter2@host:notaport/"]).joined()
        #expect(text.hasPrefix("REDIS_URL: "))
        #expect(!text.contains("hunter2"))
    }

    @Test func settingsDoNotPrintSecrets() throws {
        let settings = try self.load(["REDIS_URL": "redis://user:hunter2@host"])
        var dumped = ""
        dump(settings, to: &dumped)
        #expect(!"\(settings)".contains("hunter2") && !dumped.contains("hunter2"))
    }
}
