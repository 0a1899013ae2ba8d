import Access
import Foundation
import TestSupport
import Testing

/// The fast lane and the router are two ways to one answer. Here the same bytes go to a program with the lane and to one without it, and the
/// answers are compared byte for byte, but for clocks and made ids.
@Suite(.timeLimit(.minutes(5))) struct DifferentialTests {
    /// Answers to `requests`, sent in the given pieces over one connection to each of the two programs.
    private func compare(_ requests: [String], pieces: [[UInt8]]? = nil, with lane: AgentProcess, _ router: AgentProcess) async throws {
        let bytes = pieces ?? [Array(requests.joined().utf8)]
        var answers: [[WireResponse]] = []
        for agent in [lane, router] {
            answers.append(try await Self.answers(to: requests, bytes, of: agent))
        }
        for (index, request) in requests.enumerated() {
            let compared = answers.map { Self.comparable($0[index], to: request) }
            #expect(compared[0] == compared[1], "\(request)")
        }
    }

    private static func comparable(_ answer: WireResponse, to request: String) -> WireResponse {
        // Uptime and the like of two programs differ; that the same route answered is seen from the status.
        if answer.status == 200, request.hasPrefix("GET /cache/stats ") { return WireResponse(statusLine: answer.statusLine) }
        return answer.normalised(asAnswerTo: request)
    }

    /// - Throws: also if a connection stays open although its last answer says otherwise.
    private static func answers(to requests: [String], _ pieces: [[UInt8]], of agent: AgentProcess) async throws -> [WireResponse] {
        try await WireClient.connect(port: agent.port) { connection in
            for piece in pieces { try await connection.send(piece) }
            var answers: [WireResponse] = []
            for request in requests {
                do {
                    answers.append(try await connection.response(toHead: request.hasPrefix("HEAD ")))
                } catch {
                    throw TestProcessError(reason: "\(error): no answer to \(request), after \(answers.last.map { "\($0)" } ?? "none")")
                }
            }
            if answers.last?["connection"] == "close" {
                let isClosed = try await connection.isClosed()
                #expect(isClosed, "\(requests.last ?? "")")
            }
            return answers
        }
    }

    /// Gives both programs to the body. Each must have answered by its own way, or nothing was compared.
    private func withBoth(_ store: Store, _ settings: [String: String] = [:], _ body: (AgentProcess, AgentProcess) async throws -> Void) async throws
    {
        try await store.withAgent(settings) { lane in
            try await store.withAgent(settings.merging(["FAST_LANE": "off"]) { $1 }) { router in
                try await body(lane, router)
                #expect(try await self.requestsOfTheLane(lane) > 0)
                #expect(try await self.requestsOfTheLane(router) == 0)
            }
        }
    }

    private func requestsOfTheLane(_ agent: AgentProcess) async throws -> Double {
        let text = try await agent.ask(Request.get("/metrics")).text
        let counts = text.split(separator: "\n").filter { $0.hasPrefix(#"cacheagent_http_requests_total{handler="fast_lane","#) }
            .compactMap { $0.split(separator: " ").last.flatMap { Double($0) } }
        #expect(!counts.isEmpty)
        return counts.reduce(0, +)
    }

    // MARK: Fixed requests

    @Test(arguments: Store.available) func oneByOne(_ store: Store) async throws {
        try await self.withBoth(store) { lane, router in
            let traced = [DifferentialCorpus.value] + DifferentialCorpus.tracedRequests
            for request in DifferentialCorpus.plain + traced + DifferentialCorpus.requestLines {
                try await self.compare([request], with: lane, router)
            }
        }
    }

    @Test(arguments: Store.available) func pipelined(_ store: Store) async throws {
        try await self.withBoth(store) { lane, router in
            try await self.compare(DifferentialCorpus.plain, with: lane, router)
            try await self.compare([DifferentialCorpus.value] + DifferentialCorpus.tracedRequests, with: lane, router)
            try await self.compare([DifferentialCorpus.value] + DifferentialCorpus.conditionalRequests, with: lane, router)
        }
    }

    /// Both ways look at `If-Match` and `If-None-Match`, and answer a request with any other condition as they answer it without.
    @Test(arguments: Store.available, ["on", "off"]) func whichConditionsCount(_ store: Store, _ lane: String) async throws {
        try await store.withAgent(["FAST_LANE": lane]) { agent in
            #expect(try await agent.ask(DifferentialCorpus.value).status == 200)
            for (method, target) in [("GET", "/cache/a"), ("HEAD", "/cache/a"), ("GET", "/cache?key=a"), ("GET", "/cache/none")] {
                let plain = try await agent.ask(Request.head(method, target) + "\r\n")
                #expect([200, 404].contains(plain.status))
                for fields in DifferentialCorpus.conditions {
                    let answer = try await agent.ask(Request.head(method, target, fields) + "\r\n")
                    if plain.status == 200, fields.contains(#"If-Match: "x""#) {
                        #expect(answer.status == 412, "\(method) \(target) \(fields)")
                    } else if plain.status == 200, fields.contains("If-None-Match: *") {
                        #expect(answer.status == 304 && answer["etag"] == plain["etag"], "\(method) \(target) \(fields)")
                    } else {
                        #expect(answer.normalised == plain.normalised, "\(method) \(target) \(fields)")
                    }
                }
            }
        }
    }

    /// With keys and origins: who asks, from which page, over one connection each and over one for all.
    @Test(arguments: Store.available) func credentialsAndOrigins(_ store: Store) async throws {
        try await self.withBoth(store, DifferentialCorpus.guardedSettings) { lane, router in
            let origin = ["Origin: https://app.example.com"]
            for (number, credential) in DifferentialCorpus.credentials.enumerated() {
                // The answer to somebody who is refused may be read by a page, too.
                for request in DifferentialCorpus.guardedRequests(number % 2 == 0 ? credential : credential + origin) {
                    try await self.compare([request], with: lane, router)
                }
            }
            // The lane remembers who asked last.
            let targets = ["/cache/agent:1", "/cache/other", "/cache?key=other"]
            for target in targets {
                try await self.compare(DifferentialCorpus.credentials.map { Request.get(target, $0) }, with: lane, router)
            }
            for request in DifferentialCorpus.requestsOfPages { try await self.compare([request], with: lane, router) }
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

    // MARK: Random requests

    /// Random requests, pipelined and cut at random.
    private func compareGenerated(
        _ store: Store, _ settings: [String: String] = [:], before: [String] = [], make: (inout SplitMix64) -> String
    ) async throws {
        let seed = ProcessInfo.processInfo.environment["DIFFERENTIAL_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: .min ... .max)
        print("generated requests: DIFFERENTIAL_SEED=\(seed)")
        var random = SplitMix64(seed: seed)
        try await self.withBoth(store, settings) { lane, router in
            for request in before { try await self.compare([request], with: lane, router) }
            for _ in 0..<60 {
                let requests = (0..<Int.random(in: 1...20, using: &random)).map { _ in make(&random) }
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

    @Test(arguments: Store.available) func generated(_ store: Store) async throws {
        try await self.compareGenerated(store) { GeneratedRequest.make(&$0) }
    }

    @Test(arguments: Store.available) func generatedWithKeysAndOrigins(_ store: Store) async throws {
        let keys = [
            DifferentialCorpus.reader, DifferentialCorpus.writer, DifferentialCorpus.confined, DifferentialCorpus.administrator,
        ].map { ["X-API-Key: \($0.secret)"] }
        // Mostly keys that are good for something.
        let fields =
            keys + keys + keys + keys + DifferentialCorpus.credentials + DifferentialCorpus.origins + DifferentialCorpus.traces
            + DifferentialCorpus.conditions + GeneratedRequest.plainFields.map { [$0] }
        let lines = fields.flatMap { $0 }
        try await self.compareGenerated(
            store, DifferentialCorpus.guardedSettings,
            before: ["agent:1", "other"].map { Request.post("/cache", #"{"key":"\#($0)","value":1}"#, keys[3]) }
        ) {
            GeneratedRequest.makeWithoutBody(fields: lines, &$0)
        }
    }
}
