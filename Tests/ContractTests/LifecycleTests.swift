import Console
import Foundation
import NIOCore
import Synchronization
import TestSupport
import Testing

/// The program from start to end.
@Suite(.timeLimit(.minutes(5))) struct LifecycleTests {
    /// No request that was accepted fails: every connection gets whole answers until one says that it is the last.
    @Test(arguments: Store.available, ["on", "off"]) func stopsUnderLoadWithoutAFailedRequest(_ store: Store, _ lane: String) async throws {
        let begun = BegunClients()
        try await store.withUnendedAgent(["FAST_LANE": lane]) { agent in
            try await withThrowingTaskGroup(of: Int.self) { group in
                for client in 0..<16 {
                    group.addTask { try await Self.loadUntilClosed(agent.port, client: client, begun) }
                }
                // A connection that the service has not accepted yet may be closed.
                try await eventually("16 clients") { begun.count.load(ordering: .relaxed) == 16 }
                try await Self.waitForOperations(1000, of: agent.port)
                #expect(await agent.terminate() == 0)
                var answered = 0
                for try await count in group { answered += count }
                #expect(answered >= 1000)
            }
        }
    }

    /// Sends requests one after the other until an answer says `Connection: close`. Anything else that ends the connection is a failure.
    private static func loadUntilClosed(_ port: Int, client: Int, _ begun: BegunClients) async throws -> Int {
        try await WireClient.connect(port: port) { connection in
            var answered = 0
            while true {
                try await connection.send(
                    client % 4 == 0
                        ? Request.get("/cache?key=k\(client)") : Request.post("/cache", #"{"key":"k\#(client)","value":\#(answered)}"#))
                let answer = try await connection.response()
                answered += 1
                if answered == 1 { begun.count.wrappingAdd(1, ordering: .relaxed) }
                #expect([200, 404].contains(answer.status))
                if answer["connection"] == "close" {
                    #expect(try await connection.isClosed())
                    return answered
                }
            }
        }
    }

    /// Counts what the clients did alone: the questions for the metrics are requests, too.
    private static func waitForOperations(_ count: Int, of port: Int) async throws {
        try await eventually("\(count) answers") {
            let metrics = try await WireClient.exchange(port: port, Request.get("/metrics")).text
            let answered = metrics.split(separator: "\n").filter { $0.hasPrefix("cacheagent_cache_operations_total{") }
                .compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }.reduce(0, +)
            return answered >= count
        }
    }

    /// A wait for a value may be longer than the stop.
    @Test(arguments: Store.available) func whoWaitsForAValueHearsOfTheStop(_ store: Store) async throws {
        try await store.withUnendedAgent(["SHUTDOWN_GRACE_SECONDS": "60"]) { agent in
            _ = try await agent.takeLease("k", seconds: 60)
            try await HTTP2Client.connect(port: agent.port) { client in
                try await WireClient.connect(port: agent.port) { connection in
                    async let answer = client.ask(Request.get("/cache/k?lease=5&wait=10000"))
                    try await connection.send(Request.get("/cache/k?lease=5&wait=10000"))
                    try await agent.waitForMetric("cacheagent_lease_waiting") { $0 == 2 }
                    async let status = agent.terminate()
                    let held = try await connection.response()
                    #expect(held.status == 404 && held.isHeld)
                    let (other, exit) = (try await answer, await status)
                    #expect(other.status == 404 && exit == 0)
                }
            }
        }
    }

    @Test func idleConnectionsDoNotHoldUpTheEnd() async throws {
        let agent = try await AgentProcess.start()
        try await WireClient.connect(port: agent.port) { connection in
            try await connection.send(Request.get("/cache/k"))
            #expect(try await connection.response().status == 404)
            async let status = agent.terminate()
            #expect(try await connection.isClosed())
            #expect(await status == 0)
        }
    }

    /// A client that never finishes its request cannot hold up the end beyond the grace time, nor spoil the exit status.
    @Test(arguments: ["/cache", "/cache/invalidate"]) func anUnfinishedRequestDoesNotHoldUpTheEnd(_ target: String) async throws {
        let agent = try await AgentProcess.start(["SHUTDOWN_GRACE_SECONDS": "1"])
        try await WireClient.connect(port: agent.port) { connection in
            try await connection.send(Request.head("POST", target, ["Content-Length: 100"]) + "\r\n{")
            #expect(try await agent.ask(Request.get("/health/live")).status == 200)
            #expect(await agent.terminate() == 0)
        }
    }

    /// Nor can a client that does not read its answers.
    @Test func unreadAnswersDoNotHoldUpTheEnd() async throws {
        let agent = try await AgentProcess.start(["SHUTDOWN_GRACE_SECONDS": "4"])
        let value = String(repeating: "x", count: 1_000_000)
        _ = try await agent.ask(Request.post("/cache", #"{"key":"big","value":"\#(value)"}"#))
        try await WireClient.connect(port: agent.port, receiveBuffer: 4096) { connection in
            try await connection.send(String(repeating: Request.get("/cache/big"), count: 100))
            #expect(try await agent.ask(Request.get("/health/live")).status == 200)
            #expect(await agent.terminate() == 0)
        }
    }

    /// The kernel's own numbers: SCHED_OTHER is 0, SCHED_BATCH is 3.
    @Test(arguments: [(nil, 3), ("batch", 3), ("normal", 0)] as [(String?, Int)])
    func theKernelSchedulesTheEventLoopsAsTheSettingSays(_ setting: String?, _ policy: Int) async throws {
        try await AgentProcess.with(setting.map { ["EVENT_LOOP_SCHEDULING": $0, "EVENT_LOOPS": "3"] } ?? ["EVENT_LOOPS": "3"]) { agent in
            let threads = try agent.schedulingPolicies()
            let loops = threads.filter { $0.name.hasPrefix("NIO-ELT") }
            #expect(loops.map(\.policy) == [policy, policy, policy])
            #expect(threads.filter { !$0.name.hasPrefix("NIO-ELT") }.allSatisfy { $0.policy == 0 })
        }
    }

    @Test func allFaultsOfTheSettingsAtOnce() async throws {
        let faulty = [
            "PORT": "seventy", "REDIS_URL": "http://user:hunter2@host", "MEMORY_MAX_BYTES": "5", "FAST_LANE": "maybe", "REDIS_DEADLINE_MS": "0",
            "LOG_LEVEL": "loud",
        ]
        let run = try await AgentProcess.runToEnd(environment: faulty)
        #expect(run.status == 78)
        for name in faulty.keys { #expect(run.errors.contains("  \(name): "), "\(run.errors)") }
        #expect(!run.errors.contains("hunter2"))
    }

    @Test func aPortInUseIsAClearSentence() async throws {
        try await AgentProcess.with { agent in
            let run = try await AgentProcess.runToEnd(environment: ["HOST": "127.0.0.1", "PORT": "\(agent.port)"])
            #expect(run.status == 1)
            #expect(run.errors.contains("cannot listen on 127.0.0.1:\(agent.port)"))
        }
    }

    @Test func version() async throws {
        let run = try await AgentProcess.runToEnd(["--version"])
        #expect(run.status == 0)
        #expect(run.output == "1.0.0\n")
    }

    /// Both pages of the documentation are made by the program.
    @Test func thePagesThatItPrints() async throws {
        let documentation = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("docs")
        let settings = try await AgentProcess.runToEnd(["settings"])
        let page = try String(contentsOf: documentation.appendingPathComponent("settings.md"), encoding: .utf8)
        #expect(settings.status == 0 && settings.output == page)
        let metrics = try await AgentProcess.runToEnd(["metrics"])
        #expect(metrics.status == 0 && metrics.output == MetricCatalogue.markdownTable + "\n")
    }

    /// Whatever answers on the port without a 200 is not healthy, and neither is what does not answer.
    @Test func anUnhealthyServiceFailsTheHealthcheck() async throws {
        let server = try await StubHTTPServer.start { $0.target == "/health/live" ? .status(503, "") : .status(200, "") }
        let run = try await AgentProcess.runToEnd(["healthcheck", "--port", "\(server.authority.split(separator: ":")[1])"])
        #expect(run.status == 1 && run.errors.contains("unhealthy: HTTP/1.1 503"), "\(run.errors)")
        try await server.stop()
        let silent = try await StubHTTPServer.start { _ in .silence }
        let arguments = ["healthcheck", "--port", "\(silent.authority.split(separator: ":")[1])", "--timeout", "100"]
        let unanswered = try await AgentProcess.runToEnd(arguments)
        #expect(unanswered.status == 1 && unanswered.errors.contains("unhealthy: no answer"), "\(unanswered.errors)")
        try await silent.stop()
    }

    @Test func healthcheck() async throws {
        let port = try await AgentProcess.with { agent in
            let byOption = try await AgentProcess.runToEnd(["healthcheck", "--port", "\(agent.port)"])
            #expect(byOption.status == 0)
            let bySetting = try await AgentProcess.runToEnd(["healthcheck"], environment: ["PORT": "\(agent.port)"])
            #expect(bySetting.status == 0)
            return agent.port
        }
        let run = try await AgentProcess.runToEnd(["healthcheck", "--port", "\(port)"])
        #expect(run.status == 1)
        #expect(run.errors.contains("unhealthy"))
    }

    @Test func secretsAreNotPrinted() async throws {
        let agent = try await AgentProcess.start(["REDIS_URL": "redis://someone:hunter2@127.0.0.1:1", "LOG_LEVEL": "trace"])
        _ = try await agent.ask(Request.get("/health"))
        _ = await agent.terminate()
        #expect(!agent.logged.contains("hunter2"))
    }
}

/// How many clients have had an answer.
private final class BegunClients: Sendable {
    let count = Atomic(0)
}
