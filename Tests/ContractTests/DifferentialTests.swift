import TestSupport
import Testing

/// The fast lane and the router are two ways to one answer. Here the same bytes go to a program with the lane and to one without it, and the
/// answers are compared byte for byte, but for clocks and made ids.
@Suite struct DifferentialTests {
    /// Answers to `requests`, sent in the given pieces over one connection to each of the two programs.
    private func compare(_ requests: [String], pieces: [[UInt8]]? = nil, with lane: AgentProcess, _ router: AgentProcess) async throws {
        let bytes = pieces ?? [Array(requests.joined().utf8)]
        var answers: [[WireResponse]] = []
        for agent in [lane, router] {
            answers.append(try await Self.answers(to: requests, bytes, of: agent))
        }
        for (index, request) in requests.enumerated() {
            // Uptime and the like of two programs differ; that the same route answered is seen from the status.
            let isStatistics = request.hasPrefix("GET /cache/stats ")
            let compared = answers.map { isStatistics ? WireResponse(statusLine: $0[index].statusLine) : $0[index].normalised }
            #expect(compared[0] == compared[1], "\(request)")
        }
    }

    private static func answers(to requests: [String], _ pieces: [[UInt8]], of agent: AgentProcess) async throws -> [WireResponse] {
        try await WireClient.connect(port: agent.port) { connection in
            for piece in pieces { try await connection.send(piece) }
            var answers: [WireResponse] = []
            for request in requests { answers.append(try await connection.response(toHead: request.hasPrefix("HEAD "))) }
            return answers
        }
    }

    private func withBoth(_ store: Store, _ body: (AgentProcess, AgentProcess) async throws -> Void) async throws {
        try await store.withAgent { lane in
            try await store.withAgent(["FAST_LANE": "off"]) { router in try await body(lane, router) }
        }
    }

    /// What clients send, and what sits at the edge of the recogniser's grammar.
    static let corpus: [String] = [
        Request.post("/cache", #"{"key":"a","value":{"x":1},"ttl":100}"#), Request.get("/cache/a"), Request.get("/cache/a", ["X-Request-Id: r-1"]),
        Request.head("HEAD", "/cache/a") + "\r\n", Request.get("/cache/%61"), Request.get("/cache/a?x=1"), Request.get("/cache?key=a"),
        Request.get("/cache/a%"), Request.get("/cache?key=a%"), Request.get("/cache/a%4"), Request.get("/cache/%ff"), Request.get("/cache/%00"),
        Request.get("/cache/a/b"),
        Request.get("/cache/."), Request.get("/cache/.."), Request.get("/cache/%2e%2e"), Request.get("/cache/"), Request.get("/cache"),
        Request.get("/cache/stats2"), Request.get("/cache/invalidate"), Request.delete("/cache/stats"), Request.delete("/cache/none"),
        Request.get("/cache/" + String(repeating: "k", count: 1024)), Request.get("/cache/" + String(repeating: "k", count: 1025)),
        Request.get("/cache/" + String(repeating: "%6b", count: 1024)), Request.get("/cache/" + String(repeating: "%6b", count: 1025)),
        Request.get("/cache/a:b@c!$&'()*+,;=~-._"), Request.get("/cache/a\"b"), Request.get("/cache/a|b"), Request.get("/cache/a[b]"),
        Request.post("/cache", ""), Request.post("/cache", "{}"), Request.post("/cache", "[]"), Request.post("/cache", #"{"key":"","value":1}"#),
        Request.post("/cache", #"{"key":"a\u0000b","value":1}"#), Request.post("/cache", #"{"key":"\ud800","value":1}"#),
        Request.post("/cache", #"{"key":"a","value":1,"ttl":"60"}"#), Request.post("/cache", #"{"key":"a","value":1,"ttl":1.5}"#),
        Request.post("/cache/", #"{"key":"a","value":1}"#), Request.post("/cache?x=1", #"{"key":"a","value":1}"#),
        Request.post("/cache", #"{"key":"é\"\\","value":"é"}"#), Request.get("/cache/%C3%A9%22%5C"),
        Request.post("/cache", #"{"key":"a","value":1} "#), Request.post("/cache", #"{"key":"a","value":1}x"#),
        Request.get("/cache/a", ["Content-Length: 0"]), Request.get("/cache/a", ["Content-Length: 2"]) + "{}",
        Request.get("/cache/a", ["X-Request-Id: one", "X-Request-Id: two"]), Request.get("/cache/a", ["X-Request-Id: b a d"]),
        Request.get("/cache/a", ["X-Empty:", "X-Tab:\tv\t", "x-lower: v", "ACCEPT: */*"]), Request.get("/cache/a", ["TE: trailers"]),
        Request.get("/cache/a", ["Connection: keep-alive"]), Request.get("/cache/a", ["Connection: Keep-Alive"]),
        Request.get("/cache/a", (0..<99).map { "X-\($0): v" }), Request.head("PUT", "/cache/a", ["Content-Length: 3"]) + "\r\nabc",
        Request.head("OPTIONS", "/cache/a") + "\r\n", Request.delete("/cache/a"), Request.delete("/cache/a", ["Content-Length: 0"]),
        Request.get("/health/live"), Request.get("/nope"),
    ]

    @Test(arguments: Store.available) func corpusOneByOne(_ store: Store) async throws {
        try await self.withBoth(store) { lane, router in
            for request in Self.corpus { try await self.compare([request], with: lane, router) }
        }
    }

    @Test(arguments: Store.available) func corpusPipelined(_ store: Store) async throws {
        try await self.withBoth(store) { lane, router in
            try await self.compare(Self.corpus, with: lane, router)
        }
    }

    /// Every split of a request's bytes in two, between requests of both kinds.
    @Test func everySplit() async throws {
        try await self.withBoth(.memory) { lane, router in
            let requests = [
                Request.post("/cache", #"{"key":"a","value":[1]}"#), Request.get("/cache/a"), Request.get("/health/live"), Request.delete("/cache/a"),
            ]
            let bytes = Array(requests.joined().utf8)
            for split in 1..<bytes.count {
                try await self.compare(requests, pieces: [Array(bytes[..<split]), Array(bytes[split...])], with: lane, router)
            }
        }
    }

    /// Random requests, pipelined and cut at random.
    @Test(arguments: Store.available) func generated(_ store: Store) async throws {
        let seed = UInt64.random(in: .min ... .max)
        print("seed of the generated requests: \(seed)")
        var random = SplitMix64(seed: seed)
        try await self.withBoth(store) { lane, router in
            for _ in 0..<60 {
                let requests = (0..<Int.random(in: 1...20, using: &random)).map { _ in GeneratedRequest.make(&random) }
                var pieces: [[UInt8]] = []
                var rest = Array(requests.joined().utf8)[...]
                while !rest.isEmpty {
                    let count = Int.random(in: 1...max(1, min(rest.count, 200)), using: &random)
                    pieces.append(Array(rest.prefix(count)))
                    rest = rest.dropFirst(count)
                }
                try await self.compare(requests, pieces: pieces, with: lane, router)
            }
        }
    }
}
