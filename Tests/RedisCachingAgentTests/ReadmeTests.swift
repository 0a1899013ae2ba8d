import CacheHTTP
import Foundation
import Testing

@testable import RedisCachingAgent

/// What the documentation says of settings and metrics is what the program says.
@Suite struct ReadmeTests {
    private func text(_ path: String) throws -> String {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        return try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }

    @Test func metricsTable() throws {
        let page = try self.text("docs/metrics.md")
        #expect(page.contains(MetricCatalogue.markdownTable), "run `redis-caching-agent metrics` and paste the table into docs/metrics.md")
    }

    @Test func settingsTable() throws {
        let readme = try self.text("README.md")
        #expect(readme.contains(SettingCatalogue.markdownTable), "run `redis-caching-agent settings` and paste the table into README.md")
    }
}
