import Foundation
import TestSupport
import Testing

/// What the dashboard is sent by the built program.
@Suite(.timeLimit(.minutes(5))) struct DashboardContractTests {
    /// The part of the figures that these tests look at.
    private struct Figures: Decodable {
        struct History: Decodable {
            let whole: Bool
            let time_ms: Int?
            let columns: [String]
            let fine: [[Int?]]
            let marks: [Mark]
        }

        struct Mark: Decodable {
            let kind: String
            let begin_ms: Int
            let end_ms: Int?
            let reason: String?
            let replayed_keys: Int?
        }

        struct RedisMemory: Decodable {
            let used_bytes: Int
        }

        let instance: String
        let time_ms: Int
        let redis_memory: RedisMemory?
        let history: History

        /// The sum of a column over the last minutes.
        func sum(_ column: String) -> Int {
            guard let index = self.history.columns.firstIndex(of: column) else { return -1 }
            return self.history.fine.reduce(0) { $0 + ($1[index] ?? 0) }
        }

        var end: Int { self.history.time_ms ?? 0 }
    }

    private func figures(_ agent: AgentProcess, _ query: String = "") async throws -> Figures {
        let answer = try await agent.ask(Request.get("/dashboard/figures\(query)"))
        return try JSONDecoder().decode(Figures.self, from: Data(answer.body))
    }

    /// The figures once they are as they should be: samples are a second apart.
    private func figures(_ agent: AgentProcess, until condition: (Figures) -> Bool) async throws -> Figures {
        try await eventually("other figures") {
            try await self.figures(agent)
        } until: {
            condition($0)
        }
    }

    @Test(arguments: Store.available) func thePastIsKeptWhileNobodyLooks(_ store: Store) async throws {
        try await store.withAgent { agent in
            #expect(try await agent.ask(Request.post("/cache", #"{"key":"k","value":1}"#)).status == 200)
            for _ in 0..<3 { #expect(try await agent.ask(Request.get("/cache/k")).status == 200) }
            #expect(try await agent.ask(Request.get("/cache/none")).status == 404)
            // What came before the first reading belongs to no interval: then it is asked once more.
            let figures = try await self.figures(agent) { $0.history.fine.count >= 2 && ($0.redis_memory != nil || store == .memory) }
            #expect(figures.history.whole && figures.history.marks.first?.kind == "start")
            #expect(figures.sum("hits") <= 3 && figures.sum("sets") <= 1)
            #expect(figures.history.columns.count == figures.history.fine.first?.count)
            #expect(figures.end <= figures.time_ms)
            for _ in 0..<7 { #expect(try await agent.ask(Request.get("/cache/k")).status == 200) }
            let hits = figures.sum("hits")
            let later = try await self.figures(agent) { $0.sum("hits") >= hits + 7 }
            #expect(later.sum("hits") == hits + 7)
            #expect((later.redis_memory?.used_bytes ?? 0 > 0) == (store == .redis))
        }
    }

    @Test func onlyWhatHasComeSinceIsSent() async throws {
        try await AgentProcess.with { agent in
            let first = try await self.figures(agent) { !$0.history.fine.isEmpty }
            // A sample comes every second.
            let delta = try await eventually("a later sample") {
                try await self.figures(agent, "?have=other:1,\(first.instance):\(first.end)")
            } until: {
                !$0.history.fine.isEmpty
            }
            #expect(!delta.history.whole && delta.history.marks.isEmpty)
            #expect(delta.history.fine.allSatisfy { $0[0] ?? 0 > first.end })
            // Another instance's past, a time that has not come, and what is no time are of no use.
            let name = first.instance
            for query in [
                "?have=other:1", "?have=\(name):9000000000000000000", "?have=", "?have=\(name)", "?have=\(name):x", "?have=,,:,", "?have=%",
            ] {
                let whole = try await self.figures(agent, query)
                #expect(whole.history.whole && whole.history.fine.count >= first.history.fine.count && whole.history.marks.count == 1, "\(query)")
            }
        }
    }

    @Test(.enabled(if: RedisServerProcess.isAvailable)) func anOutageAndItsReplayAreMarked() async throws {
        let redis = try RedisServerProcess()
        defer { redis.stop() }
        let settings = ["REDIS_URL": "redis://127.0.0.1:\(redis.port)", "REDIS_RECONNECT_CAP_MS": "50"]
        try await AgentProcess.with(settings) { agent in
            _ = try await self.figures(agent) { $0.redis_memory != nil }
            redis.stop()
            let away = try await self.figures(agent) { $0.history.marks.last?.kind == "outage" }
            #expect(away.history.marks.last?.end_ms == nil && away.history.marks.last?.reason?.isEmpty == false)
            #expect(try await self.figures(agent) { $0.redis_memory == nil }.redis_memory == nil, "nobody knows what Redis holds now")
            #expect(try await agent.ask(Request.post("/cache", #"{"key":"k","value":1}"#)).status == 200)
            try redis.start()
            let back = try await self.figures(agent) {
                $0.history.marks.contains { $0.kind == "replay" && $0.end_ms != nil } && $0.redis_memory != nil
            }
            let outages = back.history.marks.filter { $0.kind == "outage" }
            #expect(!outages.isEmpty && outages.allSatisfy { $0.end_ms ?? 0 >= $0.begin_ms })
            #expect(back.history.marks.last { $0.kind == "replay" }?.replayed_keys == 1)
        }
    }

    @Test(arguments: Store.available) func whatIsKnownOfAKey(_ store: Store) async throws {
        try await store.withAgent { agent in
            func inspect(_ key: String) async throws -> String { try await agent.ask(Request.get("/dashboard/key?key=\(key)")).text }

            #expect(try await inspect("none").contains(#""found":false"#))
            let set = #"{"key":"page","value":"<p>","ttl":60,"stale":60,"tags":["shop"]}"#
            #expect(try await agent.ask(Request.post("/cache", set)).status == 200)
            let page = try await inspect("page")
            #expect(page.contains(#""found":true"#) && page.contains(#""outdated":false,"tags":["shop"],"lease":null"#), "\(page)")
            #expect(page.contains(#""bytes":5,"media_type":"application/json","content_encoding":null"#), "\(page)")
            #expect(try await agent.ask(Request.post("/cache/invalidate", #"{"tag":"shop"}"#)).status == 200)
            let outdated = try await inspect("page")
            #expect(outdated.contains(#""found":false"#) && outdated.contains(#""outdated":true,"tags":["shop"]"#), "\(outdated)")

            let token = try #require(try await agent.ask(Request.get("/cache?key=job&lease=60"))["cache-lease"])
            let leased = try await inspect("job")
            #expect(leased.contains(#""lease":{"milliseconds":"#) && !leased.contains(token), "\(leased)")
            #expect(try await agent.ask(Request.get("/dashboard/key")).status == 422)
        }
    }

    private static let parts = ["dashboard.css", "dashboard.js", "figures.js", "plots.js", "scales.js", "text.js", "tools.js"]

    @Test func everyPartOfThePageIsServed() async throws {
        try await AgentProcess.with { agent in
            let page = try await agent.ask(Request.get("/dashboard"))
            #expect(page["content-type"] == "text/html; charset=utf-8")
            for part in Self.parts {
                let answer = try await agent.ask(Request.get("/dashboard/\(part)"))
                #expect(answer.status == 200)
                #expect(answer["content-type"] == (part.hasSuffix(".css") ? "text/css; charset=utf-8" : "text/javascript; charset=utf-8"))
                #expect(answer["content-security-policy"] == page["content-security-policy"])
                let wrong = try await agent.ask(Request.post("/dashboard/\(part)", "{}"))
                #expect(wrong.status == 405 && wrong["allow"] == "GET, HEAD", "\(part)")
            }
            #expect(try await agent.ask(Request.get("/dashboard/none.js")).status == 404)
        }
    }

    @Test func withoutMetricsThereIsNone() async throws {
        let paths = ["", "/figures"] + Self.parts.map { "/\($0)" }
        try await AgentProcess.with(["METRICS": "off"]) { agent in
            for path in paths {
                let answer = try await agent.ask(Request.get("/dashboard\(path)"))
                #expect(answer.status == 404, "\(path)")
            }
        }
    }
}
