import NIOConcurrencyHelpers
import TestSupport

/// One schedule against a Redis, its instances of the built program, and their clients.
struct FaultTrial {
    private static let clientsOfInstance = 3
    /// A write lies up to a deadline in the program and a tick of the embedded store's clock; the rest is the machine.
    private static let toleranceMilliseconds = 300.0

    /// Long after the last fault, every instance must have taken Redis back.
    private static let recoveryLimit = Duration.seconds(60)
    private static let users = ["user default on nopass ~a:* ~b:* ~c &* +@all", "user admin on >s3cret ~* &* +@all"]

    let schedule: FaultSchedule

    /// What it found.
    struct Outcome: Sendable {
        let violations: [HistoryChecker.Violation]
        let answers: Int
        let degraded: Int
    }

    func run() async throws -> Outcome {
        // A killed process loses nothing that it has written; only a machine without power would.
        let redis = try RedisServerProcess(
            configuration: ["appendonly yes", "appendfsync no"] + (self.schedule.hasForbiddenKey ? Self.users : []))
        defer { redis.stop() }
        if self.schedule.hasForbiddenKey { try await self.setForbiddenKey(redis) }
        var proxies: [FaultProxy] = []
        for instance in 0..<self.schedule.instances {
            proxies.append(try await FaultProxy.start(targetPort: redis.port, seed: self.schedule.seed &+ UInt64(instance)))
        }
        let outcome = try await self.withAgents(proxies[...], []) { agents in
            try await self.run(redis, proxies, agents)
        }
        for proxy in proxies { try await proxy.stop() }
        return outcome
    }

    /// It is there, so that patterns find it.
    private func setForbiddenKey(_ redis: RedisServerProcess) async throws {
        try await WireClient.connect(port: redis.port) { connection in
            try await connection.send("AUTH admin s3cret\r\nSET \(FaultClient.forbiddenKey) 0\r\nQUIT\r\n")
            try await connection.readToEnd()
        }
    }

    private func withAgents(
        _ proxies: ArraySlice<FaultProxy>, _ started: [AgentProcess], _ body: ([AgentProcess]) async throws -> Outcome
    ) async throws -> Outcome {
        guard let proxy = proxies.first else { return try await body(started) }
        let settings = [
            "REDIS_URL": "redis://127.0.0.1:\(proxy.port)", "OUTAGE_WRITES": self.schedule.outageWrites, "REDIS_RECONNECT_CAP_MS": "100",
            "REDIS_DEAD_TIMEOUT_MS": self.schedule.isPatient ? "1500" : "300", "REDIS_BREAKER_DEADLINES": self.schedule.isPatient ? "1000" : "8",
        ]
        return try await AgentProcess.with(settings) { agent in
            try await self.withAgents(proxies.dropFirst(), started + [agent], body)
        }
    }

    private func run(_ redis: RedisServerProcess, _ proxies: [FaultProxy], _ agents: [AgentProcess]) async throws -> Outcome {
        let history = History()
        let isOver = NIOLockedValueBox(false)
        for agent in agents { try await self.waitUntilConnected(agent) }
        let lastEmptyStart = try await withThrowingTaskGroup(of: Void.self) { group in
            for (instance, agent) in agents.enumerated() {
                for number in 0..<Self.clientsOfInstance {
                    let seed = self.schedule.seed &* 31 &+ UInt64(instance * Self.clientsOfInstance + number)
                    var client = FaultClient(
                        instance: instance, port: agent.port, history: history, usesForbiddenKey: self.schedule.hasForbiddenKey, seed: seed)
                    group.addTask { try? await client.run { isOver.withLockedValue { $0 } } }
                }
            }
            let lastEmptyStart = try await self.follow(redis, proxies, history)
            // While clients go on, so that a replay meets writes.
            for agent in agents { try await self.waitUntilConnected(agent) }
            isOver.withLockedValue { $0 = true }
            try await group.waitForAll()
            return lastEmptyStart
        }
        for agent in agents { try await self.waitUntilConnected(agent) }
        return try await self.judge(history, agents, lastEmptyStart: lastEmptyStart)
    }

    private func judge(_ history: History, _ agents: [AgentProcess], lastEmptyStart: Double?) async throws -> Outcome {
        let quietSince = history.now
        var final: [String: Int?] = [:]
        for (instance, agent) in agents.enumerated() {
            var client = FaultClient(instance: instance, port: agent.port, history: history, seed: self.schedule.seed)
            final = try await client.readAll()
        }
        let events = history.events
        let checker = HistoryChecker(events, toleranceMilliseconds: Self.toleranceMilliseconds)
        var violations = checker.violations(quietSince: quietSince)
        if self.schedule.instances == 1 { violations += checker.losses(lastEmptyStart: lastEmptyStart, final: final) }
        return Outcome(violations: violations, answers: events.count, degraded: events.count { $0.isDegraded })
    }

    /// - Returns: when Redis last started without data, or lost them, in the history's time.
    private func follow(_ redis: RedisServerProcess, _ proxies: [FaultProxy], _ history: History) async throws -> Double? {
        var lastEmptyStart: Double?
        for step in self.schedule.steps {
            try await Task.sleep(for: .milliseconds(step.pauseMilliseconds))
            let duration = Duration.milliseconds(step.durationMilliseconds)
            switch step.fault {
            case .restart:
                redis.stop()
                try await Task.sleep(for: duration)
                try redis.start()
            case .restartEmpty:
                redis.stop()
                try await Task.sleep(for: duration)
                try redis.startEmpty()
                lastEmptyStart = history.now
            case .stop:
                redis.pause()
                try await Task.sleep(for: duration)
                redis.resume()
            case .network(let fault, let instance):
                let affected = instance.map { [proxies[$0]] } ?? proxies
                for proxy in affected { try await proxy.apply(fault) }
                try await Task.sleep(for: duration)
                for proxy in affected { try await proxy.apply(.none) }
            case .connection(let fault, let instance):
                try await proxies[instance].applyToOneConnection(fault)
                try await Task.sleep(for: duration)
                try await proxies[instance].apply(.none)
            }
        }
        return lastEmptyStart
    }

    /// Until Redis serves and the journal is empty.
    private func waitUntilConnected(_ agent: AgentProcess) async throws {
        let end = ContinuousClock.now + Self.recoveryLimit
        while true {
            let health = try await WireClient.exchange(port: agent.port, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            if health.text.contains(#""state":"connected""#), health.text.contains(#""journal":{"keys":0,"patterns":0"#) { return }
            guard ContinuousClock.now < end else { throw TestProcessError(reason: "Redis is not taken back: \(self.schedule), \(health.text)") }
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}
