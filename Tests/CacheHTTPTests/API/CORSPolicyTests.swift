import Testing

@testable import CacheAPI

struct CORSPolicyTests {
    @Test func origins() throws {
        let policy = try #require(CORSPolicy("https://app.example.com, http://localhost:3000,https://*.example.org"))
        for origin in ["https://app.example.com", "http://localhost:3000", "https://a.example.org", "https://a.b.example.org"] {
            #expect(policy.allows(origin), "\(origin)")
        }
        for origin in [
            "http://app.example.com", "https://app.example.com:8443", "https://app.example.com.evil.org", "https://evil-app.example.com",
            "https://example.org", "https://.example.org", "https://evilexample.org", "https://a.example.org:8443", "http://a.example.org",
            "https://evil.com/.example.org", "https://evil.com?.example.org", "https://evil.com#.example.org", "https://a@evil.com:1.example.org",
            "https://a..example.org", "null", "", "https://APP.example.com", "https://app.example.com ", "https://*.example.org",
        ] { #expect(!policy.allows(origin), "\(origin)") }
    }

    @Test func withAPort() throws {
        let policy = try #require(CORSPolicy("https://*.example.org:8443"))
        #expect(policy.allows("https://a.example.org:8443"))
        #expect(!policy.allows("https://a.example.org") && !policy.allows("https://a.example.org:443"))
    }

    @Test(arguments: [
        "", "*", "null", "app.example.com", "https://", "https://*", "https://*.", "https://a.*.example.com", "ftp://example.com",
        "https://example.com/",
        "https://example.com/path", "https://exa mple.com", "https://example.com:port", "https://ok.example.com,", "https://user@example.com",
    ])
    func whatIsNoOrigin(_ text: String) {
        #expect(CORSPolicy(text) == nil)
    }
}
