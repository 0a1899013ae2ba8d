import NIOConcurrencyHelpers
import TestSupport

/// One schedule against a Redis, two instances of the built program, and clients that use leases and tags.
struct LeaseTrial {
    private static let clientsOfInstance = 4
    /// What others write may not be seen until a sign of life is late; the rest is the machine. What is wrong in the program is wrong for much longer.
    private static let stalenessMilliseconds = 1500.0
    /// Long after the last fault, every instance must have taken Redis back.
    private static let recoveryLimit = Duration.seconds(60)
    /// How long clients go on when all is well again.
    private static let aftermath = Duration.milliseconds(200)

    let schedule: LeaseSchedule

    struct Outcome: TrialOutcome {
        var violations: [LeaseHistoryChecker.Violation] = []
        /// What led to the first violation.
        var course: [LeaseEvent] = []
        var answers = 0
        var degraded = 0
        var leases = 0
        var fills = 0
        /// Fills that were refused because their lease did not stand any more.
        var lateFills = 0

        mutating func add(_ other: Outcome) {
            self.violations += other.violations
            self.answers += other.answers
            self.degraded += other.degraded
            self.leases += other.leases
            self.fills += other.fills
            self.lateFills += other.lateFills
        }

        var complaint: String? {
            guard !self.violations.isEmpty else { return nil }
            let course = self.course.map { "    \($0)" }
            return (self.violations.prefix(5).map(\.description) + ["what happened to the first key:"] + course).joined(separator: "\n")
        }

        var summary: String {
            """
            \(self.answers) answers, \(self.degraded) of them from memory in an outage; \(self.leases) leases, \(self.fills) filled, \
            \(self.lateFills) fills refused as too late; \(self.violations.count) violations
            """
        }
    }

    func run() async throws -> Outcome {
        // A killed process loses nothing that it has written; only a machine without power would.
        let redis = try RedisServerProcess(configuration: ["appendonly yes", "appendfsync no", "maxmemory-policy noeviction"])
        defer { redis.stop() }
        let one = try await FaultProxy.start(targetPort: redis.port, seed: self.schedule.seed)
        let two = try await FaultProxy.start(targetPort: redis.port, seed: self.schedule.seed &+ 1)
        let outcome = try await AgentProcess.with(self.settings(one)) { first in
            try await AgentProcess.with(self.settings(two)) { second in try await self.run(redis, [one, two], [first, second]) }
        }
        for proxy in [one, two] { try await proxy.stop() }
        return outcome
    }

    private func settings(_ proxy: FaultProxy) -> [String: String] {
        [
            "REDIS_URL": "redis://127.0.0.1:\(proxy.port)", "OUTAGE_WRITES": "invalidate", "REDIS_RECONNECT_CAP_MS": "100",
            "EVENT_LOOPS": "2", "NEAR_SIGN_OF_LIFE_MS": "100", "INVALIDATIONS_MAX": "64",
            "REDIS_DEADLINE_MS": self.schedule.isPatient ? "250" : "30", "REDIS_DEAD_TIMEOUT_MS": self.schedule.isPatient ? "500" : "300",
        ]
    }

    private func run(_ redis: RedisServerProcess, _ proxies: [FaultProxy], _ agents: [AgentProcess]) async throws -> Outcome {
        let history = Recording<LeaseEvent>()
        let leases = LeaseFaultClient.Leases()
        let isOver = NIOLockedValueBox(false)
        let changes = NIOLockedValueBox(self.schedule.changes)
        var course = LeaseCourse()
        try await self.settle(agents, history, &course)
        course = try await withThrowingTaskGroup(of: Void.self) { [course] group in
            for (instance, agent) in agents.enumerated() {
                for number in 0..<Self.clientsOfInstance {
                    var client = LeaseFaultClient(
                        instance: instance, port: agent.port, history: history, leases: leases,
                        seed: self.schedule.seed &* 31 &+ UInt64(instance * Self.clientsOfInstance + number))
                    group.addTask {
                        try? await client.run(until: { isOver.withLockedValue(\.self) }, changes: { changes.withLockedValue(\.self) })
                    }
                }
            }
            // Also if a step fails, so that its error is seen.
            defer { isOver.withLockedValue { $0 = true } }
            var course = course
            for step in self.schedule.steps {
                try await Task.sleep(for: .milliseconds(step.pauseMilliseconds))
                changes.withLockedValue { $0 = self.schedule.changesInFaults }
                try await self.perform(step, redis, proxies, agents, history, &course)
                changes.withLockedValue { $0 = self.schedule.changes }
                try await self.settle(agents, history, &course)
            }
            try await Task.sleep(for: Self.aftermath)
            return course
        }
        try await self.settle(agents, history, &course)
        for (instance, agent) in agents.enumerated() {
            var client = LeaseFaultClient(instance: instance, port: agent.port, history: history, leases: leases, seed: self.schedule.seed)
            try await client.readAll()
        }
        return self.judge(history.events, course)
    }

    private func judge(_ events: [LeaseEvent], _ course: LeaseCourse) -> Outcome {
        let checker = LeaseHistoryChecker(events, course, stalenessMilliseconds: Self.stalenessMilliseconds)
        let violations = checker.violations()
        let fills = events.filter { if case .fill = $0.operation { true } else { false } }
        return Outcome(
            violations: violations, course: violations.first.map(checker.events(around:)) ?? [], answers: events.count,
            degraded: events.count { $0.isDegraded }, leases: events.count { $0.grant != nil }, fills: fills.count { $0.status == 200 },
            lateFills: fills.count { $0.status == 409 })
    }

    private func perform(
        _ step: FaultSchedule.Step, _ redis: RedisServerProcess, _ proxies: [FaultProxy], _ agents: [AgentProcess],
        _ history: Recording<LeaseEvent>, _ course: inout LeaseCourse
    ) async throws {
        if step.fault.isRestart { course.restarts.append(history.now) }
        try await step.perform(on: redis, proxies) {
            // Who has not noticed yet would count as settled.
            for agent in agents {
                try await eventually("the loss of Redis") { try await !Self.health(agent).contains(#""state":"connected""#) }
            }
        }
    }

    private static func health(_ agent: AgentProcess) async throws -> String {
        try await WireClient.exchange(port: agent.port, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").text
    }

    /// Until every instance has Redis, and an empty journal, while clients go on.
    private func settle(_ agents: [AgentProcess], _ history: Recording<LeaseEvent>, _ course: inout LeaseCourse) async throws {
        for (instance, agent) in agents.enumerated() {
            let end = ContinuousClock.now + Self.recoveryLimit
            while true {
                let asked = history.now
                let health = try await Self.health(agent)
                if health.contains(#""state":"connected""#), health.contains(#""journal":{"keys":0,"patterns":0"#) {
                    course.settled[instance].append(asked...history.now)
                    break
                }
                guard ContinuousClock.now < end else { throw TestProcessError(reason: "Redis is not taken back: \(self.schedule), \(health)") }
                try await Task.sleep(for: .milliseconds(2))
            }
        }
    }
}
