import Foundation
import TestSupport
import Testing

/// What the built program writes to its log.
@Suite(.timeLimit(.minutes(5))) struct LogContractTests {
    private static let trace = "0af7651916cd43dd8448eb211c80319c"
    private static let traceparent = "traceparent: 00-\(trace)-b7ad6b7169203331-01"

    /// The lines about answers of a program that has done `requests`.
    private func accessLines(_ settings: [String: String], _ requests: [String]) async throws -> [[String: Any]] {
        let agent = try await AgentProcess.start(settings)
        for request in requests { _ = try await agent.ask(request) }
        #expect(await agent.terminate() == 0)
        let lines = await agent.allLogged().split(separator: "\n")
        let objects = try lines.map { try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any], "\($0)") }
        return objects.filter { $0["httpRequest"] != nil }
    }

    @Test func aLineForEachAnswer() async throws {
        let key = String(repeating: "k", count: 100)
        let lines = try await self.accessLines(
            ["ACCESS_LOG": "all"],
            [
                Request.post("/cache", #"{"key":"\#(key)","value":"secret"}"#), Request.get("/cache/\(key)", [Self.traceparent]),
                Request.get("/cache?key=\(key)&token=secret", [Self.traceparent]), Request.get("/cache/none"),
            ])
        let requests = lines.compactMap { $0["httpRequest"] as? [String: Any] }
        #expect(requests.map { $0["requestMethod"] as? String } == ["POST", "GET", "GET", "GET"])
        #expect(requests.map { $0["status"] as? Int } == [200, 200, 200, 404])
        let shortened = "/cache/" + String(repeating: "k", count: 48) + "…"
        #expect(requests.map { $0["requestUrl"] as? String } == ["/cache", shortened, "/cache", "/cache/none"])
        #expect(requests.map { $0["cacheHit"] as? Bool } == [nil, true, true, nil])
        #expect(requests.allSatisfy { $0["cacheLookup"] as? Bool == true })
        #expect(requests.allSatisfy { ($0["latency"] as? String)?.wholeMatch(of: #/0\.\d{9}s/#) != nil })
        #expect(lines.map { $0["handler"] as? String } == ["fast_lane", "fast_lane", "router", "fast_lane"])
        #expect(lines.map { $0["logging.googleapis.com/trace"] as? String } == [nil, Self.trace, Self.trace, nil])
        #expect(lines.map { $0["requestId"] as? String }[1...2] == [Self.trace, Self.trace])
        let text = String(decoding: try JSONSerialization.data(withJSONObject: lines), as: UTF8.self)
        #expect(!text.contains("secret"), "neither values nor queries are logged")
    }

    /// A batch is one request, and its keys are not logged.
    @Test(arguments: ["on", "off"]) func aLineForABatch(_ lane: String) async throws {
        let body = #"{"operations":[{"op":"set","key":"secret","value":1},{"op":"get","key":"secret"}]}"#
        let lines = try await self.accessLines(
            ["ACCESS_LOG": "all", "FAST_LANE": lane], [Request.post("/cache/batch", body, [Self.traceparent]), Request.post("/cache/batch", "{}")])
        let requests = lines.compactMap { $0["httpRequest"] as? [String: Any] }
        #expect(requests.map { $0["requestUrl"] as? String } == ["/cache/batch", "/cache/batch"])
        #expect(requests.map { $0["status"] as? Int } == [200, 422] && requests.map { $0["requestMethod"] as? String } == ["POST", "POST"])
        #expect(lines.map { $0["handler"] as? String } == [lane == "on" ? "fast_lane" : "router", "router"])
        #expect(lines.map { $0["store"] as? String } == ["memory", nil])
        #expect(lines.map { $0["logging.googleapis.com/trace"] as? String } == [Self.trace, nil])
        #expect(!String(decoding: try JSONSerialization.data(withJSONObject: lines), as: UTF8.self).contains("secret"))
    }

    @Test(arguments: [("off", 0), ("slow-and-errors", 0), ("sampled", 2)]) func asManyAsAskedFor(_ mode: String, _ count: Int) async throws {
        let requests = Array(repeating: Request.get("/cache/k"), count: 10)
        let lines = try await self.accessLines(["ACCESS_LOG": mode, "ACCESS_LOG_SAMPLE": "5", "ACCESS_LOG_SLOW_MS": "60000"], requests)
        #expect(lines.count == count)
    }

    @Test func slowIsAMatterOfSetting() async throws {
        let lines = try await self.accessLines(["ACCESS_LOG_SLOW_MS": "0"], [Request.get("/cache/k"), Request.get("/")])
        #expect(lines.count == 2)
    }

    /// A client cannot flood the log.
    @Test func linesOfASecondAreBounded() async throws {
        try await AgentProcess.with(["ACCESS_LOG": "all", "ACCESS_LOG_MAX_PER_SECOND": "1"]) { agent in
            for _ in 0..<200 { _ = try await agent.ask(Request.get("/cache/k")) }
            let metrics = try await agent.ask(Request.get("/metrics")).text
            let line = try #require(metrics.split(separator: "\n").first { $0.hasPrefix("cacheagent_access_log_lines_dropped_total ") })
            let dropped = try #require(Int(line.split(separator: " ")[1]))
            // Each second has one, however many seconds this takes.
            #expect(dropped > 100)
        }
    }

    private static let hostilePaths = [
        "/cache/a%0Ab", "/cache/%22%7D%2C%7B%22severity%22%3A%22EMERGENCY%22", "/cache/%E2%80%A8x", "/nothing%0D%0Aforged", "/cache/%1B%5B2J",
    ]

    @Test func nothingForgesALine() async throws {
        let lines = try await self.accessLines(["ACCESS_LOG": "all"], Self.hostilePaths.map { Request.get($0) })
        #expect(lines.count == Self.hostilePaths.count)
        #expect(lines.allSatisfy { $0["severity"] as? String == "INFO" })
    }

    @Test func forPeople() async throws {
        let agent = try await AgentProcess.start(["LOG_FORMAT": "text", "ACCESS_LOG": "all"])
        for path in Self.hostilePaths { _ = try await agent.ask(Request.get(path)) }
        #expect(await agent.terminate() == 0)
        let lines = await agent.allLogged().split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        #expect(lines.count == Self.hostilePaths.count + 3, "no keys, serving, stopped")
        for line in lines {
            #expect(line.wholeMatch(of: #/\d\d:\d\d:\d\d\.\d{3} (INFO|NOTICE|WARNING) +.*/#) != nil, "\(line)")
            #expect(!line.utf8.contains { $0 < 0x20 })
        }
    }

    @Test func levels() async throws {
        let agent = try await AgentProcess.start(["LOG_LEVEL": "notice", "ACCESS_LOG": "all"])
        _ = try await agent.ask(Request.get("/cache/k"))
        #expect(await agent.terminate() == 0)
        #expect(await agent.allLogged().split(separator: "\n").count == 3, "no keys, serving, stopped")
    }

    /// On Cloud Run the metadata server knows the project.
    @Test func theProjectOfTheTraces() async throws {
        let lines = try await self.accessLines(
            ["ACCESS_LOG": "all", "GOOGLE_CLOUD_PROJECT": "my-project"], [Request.get("/cache/k", [Self.traceparent])])
        #expect(lines.first?["logging.googleapis.com/trace"] as? String == "projects/my-project/traces/\(Self.trace)")
    }
}
