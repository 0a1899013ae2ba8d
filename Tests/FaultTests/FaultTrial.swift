import NIOConcurrencyHelpers
import TestSupport

/// One schedule against a Redis, its instances of the built program, and their clients.
struct FaultTrial {
    private static let clientsOfInstance = 3
    /// A write lies up to a deadline in the program and a tick of the embedded store's clock; the rest is the machine.
    private static let toleranceMilliseconds = 300.0
    private static let signOfLifeMilliseconds = 100
    /// A connection over which nothing comes is found out by its sign of life, and what others write may not be seen until then. The rest is the machine:
    /// what is wrong in the program is wrong for much longer.
    private static let stalenessMilliseconds = 1000.0

    /// Long after the last fault, every instance must have taken Redis back.
    private static let recoveryLimit = Duration.seconds(60)
    private static let users = ["user default on nopass ~a:* ~b:* ~c ~f &* +@all", "user admin on >s3cret ~* &* +@all"]

    let schedule: FaultSchedule

    struct Outcome: TrialOutcome {
        var violations: [HistoryChecker.Violation] = []
        /// What led to the first violation.
        var course: [HistoryEvent] = []
        var answers = 0
        var degraded = 0
        /// Answers that were copies.
        var copies = 0
        var foreignChanges = 0

        mutating func add(_ other: Outcome) {
            self.violations += other.violations
            self.answers += other.answers
            self.degraded += other.degraded
            self.copies += other.copies
            self.foreignChanges += other.foreignChanges
        }

        var complaint: String? {
            guard !self.violations.isEmpty else { return nil }
            let course = self.course.map { "    \($0)" }
            return (self.violations.prefix(5).map(\.description) + ["what was done to the first key:"] + course).joined(separator: "\n")
        }

        var summary: String {
            """
            \(self.answers) answers, \(self.degraded) of them from memory in an outage, \(self.copies) copies;
            \(self.foreignChanges) changes by a foreign client; \(self.violations.count) violations
            """
        }
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
        try await redis.run("AUTH admin s3cret", "SET \(FaultClient.forbiddenKey) 0")
    }

    private func withAgents(
        _ proxies: ArraySlice<FaultProxy>, _ started: [AgentProcess], _ body: ([AgentProcess]) async throws -> Outcome
    ) async throws -> Outcome {
        guard let proxy = proxies.first else { return try await body(started) }
        let settings = [
            "REDIS_URL": "redis://127.0.0.1:\(proxy.port)", "OUTAGE_WRITES": self.schedule.outageWrites, "REDIS_RECONNECT_CAP_MS": "100",
            "EVENT_LOOPS": "2", "NEAR_SIGN_OF_LIFE_MS": "\(Self.signOfLifeMilliseconds)",
            "REDIS_DEAD_TIMEOUT_MS": self.schedule.isPatient ? "3000" : "300", "REDIS_BREAKER_DEADLINES": self.schedule.isPatient ? "1000" : "8",
        ]
        return try await AgentProcess.with(settings) { agent in
            try await self.withAgents(proxies.dropFirst(), started + [agent], body)
        }
    }

    private func run(_ redis: RedisServerProcess, _ proxies: [FaultProxy], _ agents: [AgentProcess]) async throws -> Outcome {
        let history = History()
        let isOver = NIOLockedValueBox(false)
        for agent in agents { try await self.waitUntilConnected(agent) }
        let starts = try await withThrowingTaskGroup(of: Void.self) { group in
            for (instance, agent) in agents.enumerated() {
                for number in 0..<Self.clientsOfInstance {
                    let seed = self.schedule.seed &* 31 &+ UInt64(instance * Self.clientsOfInstance + number)
                    var client = FaultClient(
                        instance: instance, port: agent.port, history: history, usesForbiddenKey: self.schedule.hasForbiddenKey,
                        changes: self.schedule.changes, seed: seed)
                    group.addTask { try? await client.run { isOver.withLockedValue { $0 } } }
                }
            }
            var foreign = ForeignClient(
                port: redis.port, history: history, pauseMilliseconds: self.schedule.foreignPauseMilliseconds, seed: self.schedule.seed &* 37)
            group.addTask { try await foreign.run { isOver.withLockedValue { $0 } } }
            let starts = try await self.follow(redis, proxies, history)
            // While clients go on, so that a replay meets writes.
            for agent in agents { try await self.waitUntilConnected(agent) }
            isOver.withLockedValue { $0 = true }
            try await group.waitForAll()
            return starts
        }
        for agent in agents { try await self.waitUntilConnected(agent) }
        return try await self.judge(history, agents, starts)
    }

    private func judge(_ history: History, _ agents: [AgentProcess], _ starts: Starts) async throws -> Outcome {
        let quietSince = history.now
        var final: [String: Int?] = [:]
        for (instance, agent) in agents.enumerated() {
            var client = FaultClient(instance: instance, port: agent.port, history: history, seed: self.schedule.seed)
            // Copies first: an answer of Redis would take their place.
            try await client.linger(for: .milliseconds(quietSince + Self.stalenessMilliseconds - history.now))
            final = try await client.readAll()
        }
        let events = history.events
        let checker = HistoryChecker(
            events, toleranceMilliseconds: Self.toleranceMilliseconds, stalenessMilliseconds: Self.stalenessMilliseconds,
            restoresWrites: self.schedule.instances == 1)
        var violations = checker.violations(quietSince: quietSince, firstRestart: starts.firstEnd)
        if self.schedule.instances == 1 { violations += checker.losses(lastEmptyStart: starts.lastEmpty, final: final) }
        return Outcome(
            violations: violations, course: violations.first.map(checker.course) ?? [],
            answers: events.count { $0.instance != HistoryEvent.foreign },
            degraded: events.count { $0.isDegraded }, copies: events.count { $0.isCopy },
            foreignChanges: events.count { $0.instance == HistoryEvent.foreign && $0.isAcknowledged })
    }

    /// When Redis was ended and started, in the history's time.
    private struct Starts {
        var firstEnd = Double.infinity
        /// With no data.
        var lastEmpty: Double?
    }

    private func follow(_ redis: RedisServerProcess, _ proxies: [FaultProxy], _ history: History) async throws -> Starts {
        var starts = Starts()
        for step in self.schedule.steps {
            try await Task.sleep(for: .milliseconds(step.pauseMilliseconds))
            if step.fault.isRestart { starts.firstEnd = min(starts.firstEnd, history.now) }
            try await step.perform(on: redis, proxies)
            if step.fault == .restartEmpty { starts.lastEmpty = history.now }
        }
        return starts
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
