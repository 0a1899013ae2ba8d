import Foundation
import Testing

@testable import RedisCachingAgent

/// What the README says of the settings is what the program says.
@Suite struct ReadmeTests {
    @Test func settingsTable() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let readme = try String(contentsOf: root.appendingPathComponent("README.md"), encoding: .utf8)
        #expect(readme.contains(SettingCatalogue.markdownTable), "run `redis-caching-agent settings` and paste the table into README.md")
    }
}
