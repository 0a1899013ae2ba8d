import Cache
import Foundation
import HTTPWire
import MemoryStore
import RedisClient
import Testing

@testable import RedisCachingAgent

/// Each default is stated once, and docs/settings.md shows what applies.
@Suite struct SettingDefaultsTests {
    /// The defaults that docs/settings.md states, as an environment that sets each of them.
    private func documented() throws -> [String: String] {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let page = try String(contentsOf: root.appendingPathComponent("docs/settings.md"), encoding: .utf8)
        var environment: [String: String] = [:]
        for row in page.split(separator: "\n") {
            guard let match = row.firstMatch(of: /^\| `([A-Z_]+)` \| [^|]* \| [^|]* \| `([^`]*)` \|/) else { continue }
            environment[String(match.1)] = String(match.2)
        }
        try #require(environment.count > 50)
        return environment
    }

    private func dumped(_ value: Any) -> String {
        var text = ""
        dump(value, to: &text)
        return text
    }

    /// Once with nothing set, once with every documented default set: the types' defaults apply either way.
    @Test(arguments: [false, true]) func theTypesDefaultsApply(isExplicit: Bool) throws {
        let environment = try (isExplicit ? self.documented() : [:]).merging(["REDIS_HOST": "h", "K_SERVICE": "s"]) { $1 }
        let settings = try AgentSettings.load(environment: environment)
        #expect(self.dumped(settings.http) == self.dumped(HTTPSettings()))
        #expect(settings.redis == RedisConfiguration(endpoint: .tcp(host: "h", port: 6379)))
        #expect(settings.outage == OutageSettings())
        // How many shards there are depends on the container's memory.
        #expect(settings.memory.shardCount == MemoryStoreConfiguration(maximumBytes: settings.memory.maximumBytes).shardCount)
    }

    /// Also those that have no type of their own.
    @Test func theDocumentedDefaultsApply() throws {
        let explicit = try AgentSettings.load(environment: self.documented())
        let implicit = try AgentSettings.load(environment: [:])
        #expect(self.dumped(explicit) == self.dumped(implicit))
    }

    @Test func everyDefaultIsInItsRange() {
        for setting in SettingCatalogue.all {
            switch setting.kind {
            case .integer(let value?, let range, _, _): #expect(range.contains(value), "\(setting.name)")
            case .choice(let value, let words): #expect(words.contains(value), "\(setting.name)")
            case .integer, .text, .secret: break
            }
        }
    }
}
