import Foundation
import NIOConcurrencyHelpers
import TestSupport

/// One schedule against a cluster, its instances of the built program, and their clients.
struct ClusterTrial {
    private static let clientsOfInstance = 3
    /// A write lies up to a deadline in the program and a tick of the embedded store's clock; the rest is the machine.
    private static let toleranceMilliseconds = 300.0
    /// That a key is absent may be remembered for a second, and nobody says when its slot has moved. The rest is the machine.
    private static let stalenessMilliseconds = 2000.0
    /// What a master has acknowledged just before it is lost, its replica may lack.
    private static let lossMilliseconds = 100.0
    private static let recoveryLimit = Duration.seconds(60)

    let schedule: ClusterSchedule

    /// When something happened, in the history's time.
    private struct Course {
        var firstStep = Double.infinity
        /// When a master was lost.
        var losses: [Double] = []
        /// Since when a master may have been lost that nobody meant to lose.
        var unplanned = Double.infinity
    }

    /// A replica takes over within this time, with the node timeout of a test.
    private static let takeoverMilliseconds = 5000.0

    func run() async throws -> FaultTrial.Outcome {
        var shape = RedisClusterProcess.Shape()
        shape.masters = ClusterSchedule.shards
        shape.replicas = ClusterSchedule.shards
        // A killed process loses nothing that it has written; only a machine without power would.
        shape.configuration = ["appendonly yes", "appendfsync no"]
        return try await RedisClusterProcess.with(shape) { cluster in
            try await self.withAgents(self.schedule.instances, cluster, []) { agents in try await self.run(cluster, agents) }
        }
    }

    private func withAgents(
        _ count: Int, _ cluster: RedisClusterProcess, _ started: [AgentProcess], _ body: ([AgentProcess]) async throws -> FaultTrial.Outcome
    ) async throws -> FaultTrial.Outcome {
        guard count > 0 else { return try await body(started) }
        let settings = [
            "REDIS_URL": cluster.url(cluster.indices), "OUTAGE_WRITES": self.schedule.outageWrites,
            "REDIS_RECONNECT_CAP_MS": "100", "EVENT_LOOPS": "2", "NEAR_SIGN_OF_LIFE_MS": "100", "REDIS_DEAD_TIMEOUT_MS": "300",
        ]
        return try await AgentProcess.with(settings) { agent in
            try await self.withAgents(count - 1, cluster, started + [agent], body)
        }
    }

    private func run(_ cluster: RedisClusterProcess, _ agents: [AgentProcess]) async throws -> FaultTrial.Outcome {
        let history = History()
        let isOver = NIOLockedValueBox(false)
        let ports = cluster.ports
        for agent in agents { try await self.waitUntilConnected(agent) }
        let course = try await withThrowingTaskGroup(of: Void.self) { group in
            for (instance, agent) in agents.enumerated() {
                for number in 0..<Self.clientsOfInstance {
                    let seed = self.schedule.seed &* 31 &+ UInt64(instance * Self.clientsOfInstance + number)
                    var client = FaultClient(
                        instance: instance, port: agent.port, history: history, changes: self.schedule.changes, seed: seed)
                    group.addTask { try? await client.run { isOver.withLockedValue { $0 } } }
                }
            }
            var foreign = ForeignClient(
                port: ports[0], history: history, pauseMilliseconds: self.schedule.foreignPauseMilliseconds, seed: self.schedule.seed &* 37)
            group.addTask { try await foreign.run(inClusterOf: ports) { isOver.withLockedValue { $0 } } }
            // Also if a step fails, so that its error is seen.
            defer { isOver.withLockedValue { $0 = true } }
            let course = try await self.follow(cluster, history)
            // While clients go on, so that a replay meets writes.
            for agent in agents { try await self.waitUntilConnected(agent) }
            isOver.withLockedValue { $0 = true }
            try await group.waitForAll()
            return course
        }
        for agent in agents { try await self.waitUntilConnected(agent) }
        return try await self.judge(history, agents, course)
    }

    private func judge(_ history: History, _ agents: [AgentProcess], _ course: Course) async throws -> FaultTrial.Outcome {
        let quietSince = history.now
        for (instance, agent) in agents.enumerated() {
            var client = FaultClient(instance: instance, port: agent.port, history: history, seed: self.schedule.seed)
            // Copies first: an answer of Redis would take their place.
            try await client.linger(for: .milliseconds(quietSince + Self.stalenessMilliseconds - history.now))
            _ = try await client.readAll()
        }
        let events = history.events.map { self.doubted($0, course) }
        let checker = HistoryChecker(
            events, toleranceMilliseconds: Self.toleranceMilliseconds, stalenessMilliseconds: Self.stalenessMilliseconds,
            restoresWrites: self.schedule.instances == 1)
        let violations = checker.violations(quietSince: quietSince, firstRestart: course.losses.first ?? .infinity)
            .filter { !self.isExcused($0, course) }
        return FaultTrial.Outcome(
            violations: violations, course: violations.first.map(checker.course) ?? [],
            answers: events.count { $0.instance != HistoryEvent.foreign },
            degraded: events.count { $0.isDegraded }, copies: events.count { $0.isCopy },
            foreignChanges: events.count { $0.instance == HistoryEvent.foreign && $0.isAcknowledged })
    }

    /// A change that its master may have taken with it: its own instance has to know of it, and the others when that has said so, as with one that was
    /// made without Redis.
    private func doubted(_ event: HistoryEvent, _ course: Course) -> HistoryEvent {
        guard event.instance != HistoryEvent.foreign, event.isAcknowledged, event.operation.isChange else { return event }
        let isDoubtful = course.losses.contains { event.end >= $0 - Self.lossMilliseconds && event.start <= $0 + Self.lossMilliseconds }
        return isDoubtful || event.end >= course.unplanned ? event.degraded : event
    }

    /// An instance deletes what it has written lately when another node has the slot: the absence is true. What others write it leaves alone.
    private func isExcused(_ violation: HistoryChecker.Violation, _ course: Course) -> Bool {
        guard case .get(let key, nil) = violation.event.operation, key != FaultClient.foreignKey else { return false }
        return violation.event.end >= course.firstStep
    }

    // MARK: The steps

    private func follow(_ cluster: RedisClusterProcess, _ history: History) async throws -> Course {
        var course = Course()
        for step in self.schedule.steps {
            try await Task.sleep(for: .milliseconds(step.pauseMilliseconds))
            course.firstStep = min(course.firstStep, history.now)
            do {
                try await self.perform(step, cluster, history, &course)
            } catch is TestProcessError {
                // On a busy machine a master can be silent for long enough to lose its role by itself, and then does not do what is asked of it. When
                // that was is not known.
                course.unplanned = min(course.unplanned, history.now - Self.takeoverMilliseconds)
            }
            // A shard without its replica could lose what is acknowledged.
            try await cluster.settle()
        }
        return course
    }

    private func perform(_ step: ClusterSchedule.Step, _ cluster: RedisClusterProcess, _ history: History, _ course: inout Course) async throws {
        let duration = Duration.milliseconds(step.durationMilliseconds)
        switch step.fault {
        case .migration(let slots, let target):
            try await self.move(slots, to: try await self.master(of: target, cluster), duration, cluster)
        case .failover(let shard):
            let master = try await self.master(of: shard, cluster)
            guard let replica = try await cluster.replica(of: master) else { throw TestProcessError(reason: "no replica of \(master)") }
            try await cluster.failover(to: replica)
            try await eventually("the old master to follow") { try await cluster.replica(of: replica) == master }
        case .kill(let shard):
            let master = try await self.master(of: shard, cluster)
            course.losses.append(history.now)
            cluster.kill(master)
            try await Task.sleep(for: duration)
            try await cluster.restart(master)
        case .stop(let shard):
            let master = try await self.master(of: shard, cluster)
            course.losses.append(history.now)
            cluster.pause(master)
            try await Task.sleep(for: duration)
            cluster.resume(master)
        }
    }

    /// A shard may have given away all of its slots, so its master is not asked for by them.
    private func master(of shard: Int, _ cluster: RedisClusterProcess) async throws -> Int {
        try await cluster.replica(of: shard) == nil ? shard + ClusterSchedule.shards : shard
    }

    private func move(_ slots: [Int], to target: Int, _ duration: Duration, _ cluster: RedisClusterProcess) async throws {
        var opened: [(slot: Int, source: Int)] = []
        for slot in slots {
            guard let source = try await cluster.owner(of: slot), source != target else { continue }
            try await cluster.halfMove(slot, from: source, to: target)
            opened.append((slot, source))
        }
        try await Task.sleep(for: duration)
        for (slot, source) in opened { try await cluster.finishMove(slot, from: source, to: target) }
    }

    /// Until every shard is served and the journal is empty.
    private func waitUntilConnected(_ agent: AgentProcess) async throws {
        let end = ContinuousClock.now + Self.recoveryLimit
        while true {
            let health = try await WireClient.exchange(port: agent.port, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            if try self.isWhole(health) { return }
            guard ContinuousClock.now < end else { throw TestProcessError(reason: "Redis is not taken back: \(self.schedule), \(health.text)") }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    private func isWhole(_ health: WireResponse) throws -> Bool {
        let members = try JSONSerialization.jsonObject(with: Data(health.body)) as? [String: Any]
        let redis = members?["redis"] as? [String: Any]
        let shards = (redis?["cluster"] as? [String: Any])?["shards"] as? [[String: Any]] ?? []
        return !shards.isEmpty && shards.allSatisfy { $0["state"] as? String == "connected" }
            && health.text.contains(#""journal":{"keys":0,"patterns":0"#)
    }
}

extension HistoryEvent.Operation {
    fileprivate var isChange: Bool { if case .get = self { false } else { true } }
}

extension HistoryEvent {
    /// The same as if it had been made without Redis.
    fileprivate var degraded: HistoryEvent {
        HistoryEvent(
            instance: self.instance, operation: self.operation, start: self.start, end: self.end, status: self.status, isDegraded: true,
            isCopy: self.isCopy, isDirect: self.isDirect)
    }
}
