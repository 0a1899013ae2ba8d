import Console
import Foundation
import Testing

@testable import RedisCachingAgent

/// The documentation of settings and metrics is what the program prints.
@Suite struct DocumentationTests {
    private func text(_ path: String) throws -> String {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        return try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }

    @Test func metricsTable() throws {
        let page = try self.text("docs/metrics.md")
        #expect(page.contains(MetricCatalogue.markdownTable), "run `redis-caching-agent metrics` and paste the table into docs/metrics.md")
    }

    @Test func settingsPage() throws {
        let page = try self.text("docs/settings.md")
        #expect(page == SettingCatalogue.markdownPage + "\n", "run `redis-caching-agent settings > docs/settings.md`")
    }

    /// The README shows the most important settings in the same words, except for links.
    @Test func settingsOfTheReadme() throws {
        let rows = try self.text("README.md").split(separator: "\n").filter { $0.firstMatch(of: #/^\| `[A-Z_]+` \|/#) != nil }
        #expect(!rows.isEmpty)
        let known = Set(SettingCatalogue.all.map { $0.markdownRow.replacing("](", with: "](docs/") })
        for row in rows { #expect(known.contains(String(row)), "no row of `redis-caching-agent settings`") }
    }
}
