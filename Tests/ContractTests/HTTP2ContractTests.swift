import TestSupport
import Testing

/// The same requests over HTTP/2 and over HTTP/1.1, by the lane and by the router: the same answers, but for clocks and made ids.
@Suite(.timeLimit(.minutes(5))) struct HTTP2ContractTests {
    /// What of an answer does not depend on the protocol. Names of fields have no case.
    private static func comparable(_ answer: WireResponse, to request: String) -> WireResponse {
        var copy = answer.normalised(asAnswerTo: request)
        copy.statusLine = "\(answer.status)"
        copy.fields = copy.fields.filter { $0.name.lowercased() != "connection" }.map { .init(name: $0.name.lowercased(), value: $0.value) }
        // Uptime and the like differ.
        if answer.status == 200, request.hasPrefix("GET /cache/stats ") || request.hasPrefix("GET /health") { return WireResponse(statusLine: "200") }
        return copy
    }

    /// Asks two programs, one with the lane and one without it, over both protocols, one request after the other.
    private func compare(_ store: Store, _ requests: [String], _ settings: [String: String] = [:]) async throws {
        try await store.withAgent(settings) { lane in
            try await store.withAgent(settings.merging(["FAST_LANE": "off"]) { $1 }) { router in
                try await HTTP2Client.connect(port: lane.port) { overLane in
                    try await HTTP2Client.connect(port: router.port) { overRouter in
                        for request in requests {
                            let answers = [try await overLane.ask(request), try await overRouter.ask(request)].map {
                                Self.comparable($0, to: request)
                            }
                            #expect(answers[0] == answers[1], "\(request)")
                            // A request that changes something is asked of each program once over each protocol, so both are where they were.
                            let plain = [try await lane.ask(request), try await router.ask(request)].map { Self.comparable($0, to: request) }
                            #expect(plain[0] == answers[0], "\(request)")
                            #expect(plain[1] == plain[0], "\(request)")
                        }
                    }
                }
                let count = try await lane.metric(#"cacheagent_http_requests_total{handler="fast_lane",code="200"}"#)
                #expect(count > 0)
            }
        }
    }

    /// Those that HTTP/2 can say, and that are answered alike when they are asked twice.
    private static func expressible(_ requests: [String]) -> [String] {
        requests.filter { request in
            guard let (fields, _) = HTTP2Client.list(of: request) else { return false }
            let isRepeatable = !request.hasPrefix("DELETE ") || request.hasPrefix("DELETE /cache/none ")
            let isDry = !request.hasPrefix("POST /cache/invalidate ") || request.contains("dry_run")
            return fields.filter { $0.0 == ":authority" }.count == 1 && isRepeatable && isDry
        }
    }

    @Test(arguments: Store.available) func plain(_ store: Store) async throws {
        let requests = Self.expressible(DifferentialCorpus.plain)
        #expect(requests.count > 40)
        try await self.compare(store, requests)
    }

    @Test(arguments: Store.available) func tracesAndConditions(_ store: Store) async throws {
        let requests = [DifferentialCorpus.value] + DifferentialCorpus.tracedRequests + DifferentialCorpus.conditionalRequests
        try await self.compare(store, Self.expressible(requests))
    }

    @Test(arguments: Store.available) func credentialsAndOrigins(_ store: Store) async throws {
        var requests: [String] = []
        for credential in DifferentialCorpus.credentials { requests += DifferentialCorpus.guardedRequests(credential) }
        try await self.compare(store, Self.expressible(requests + DifferentialCorpus.requestsOfPages), DifferentialCorpus.guardedSettings)
    }

    @Test func manyRequestsOfOneConnectionAtOnce() async throws {
        try await Store.memory.withAgent { agent in
            _ = try await agent.set("a", 1)
            try await HTTP2Client.connect(port: agent.port) { client in
                let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                    for number in 0..<90 {
                        let target = ["/cache/a", "/cache?key=a", "/health/live"][number % 3]
                        group.addTask { try await client.ask(Request.get(target)).status }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect(statuses.count == 90 && statuses.allSatisfy { $0 == 200 })
            }
            try await agent.waitForMetric(#"cacheagent_http_protocol_connections{protocol="http/2"}"#) { $0 == 0 }
            #expect(try await agent.metric("cacheagent_http2_requests_total") == 90)
        }
    }

    @Test func linesOfTheAccessLogNameTheProtocol() async throws {
        try await Store.memory.withAgent(["ACCESS_LOG": "all"]) { agent in
            try await HTTP2Client.connect(port: agent.port) { client in
                for target in ["/cache/a", "/cache?key=a"] {
                    _ = try await client.ask(Request.get(target, ["X-Request-Id: over-2"]))
                }
            }
            _ = try await agent.ask(Request.get("/cache/a", ["X-Request-Id: over-1"]))
            try await agent.waitForLog(#"over-1"#)
            let lines = agent.logged.split(separator: "\n")
            #expect(lines.filter { $0.contains("over-2") && $0.contains(#""protocol":"HTTP/2""#) }.count == 2)
            #expect(lines.filter { $0.contains("over-1") && $0.contains(#""protocol":"HTTP/1.1""#) }.count == 1)
        }
    }
}
