import TestSupport

/// What goes wrong in one trial, made from a seed: the same seed gives the same schedule.
struct FaultSchedule: Hashable, Sendable {
    enum Fault: Hashable, Sendable {
        /// SIGKILL, and a start afterwards with all its data.
        case restart
        /// SIGKILL, and a start afterwards with nothing.
        case restartEmpty
        /// SIGSTOP, and SIGCONT afterwards.
        case stop
        /// What lies between one instance, or all, and Redis.
        case network(ProxyFault, instance: Int?)
        /// What happens to one connection of an instance, as when a packet of it is lost: the others overtake it.
        case connection(ProxyFault, instance: Int)
        /// Redis has no room for anything.
        case outOfMemory
        /// Redis is a replica for a while, as after a failover: it answers reads and refuses writes.
        case readOnly

        var isRestart: Bool { self == .restart || self == .restartEmpty }

        /// Whether nothing comes and nothing ends, while others may go on writing.
        var isSilence: Bool {
            switch self {
            case .network(.blackHole, _), .connection(.blackHole, _): true
            case .restart, .restartEmpty, .stop, .network, .connection, .outOfMemory, .readOnly: false
            }
        }
    }

    struct Step: Hashable, Sendable {
        let pauseMilliseconds: Int
        let fault: Fault
        let durationMilliseconds: Int
    }

    let seed: UInt64
    /// One instance restores what was written in an outage; several invalidate.
    let instances: Int
    /// Whether many missed deadlines are no outage yet: then there are many writes whose fate is unknown while Redis is asked.
    let isPatient: Bool
    let steps: [Step]
    /// Whether there is a key that Redis does not let the service touch, which must not keep the others from Redis.
    let hasForbiddenKey: Bool

    /// Of a hundred operations of a client, how many change something: few, so that copies live, or many, so that writes meet.
    let changes: Int
    /// The longest pause of the foreign client between two changes.
    let foreignPauseMilliseconds: Int

    var outageWrites: String { self.instances == 1 ? "restore" : "invalidate" }

    init(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let instances = Int.random(in: 1...3, using: &random)
        let isPatient = Bool.random(using: &random)
        self.seed = seed
        self.instances = instances
        self.isPatient = isPatient
        self.steps = (0..<Int.random(in: 4...8, using: &random)).map { _ in
            let pause = Int.random(in: 20...400, using: &random)
            let fault = Self.fault(instances: instances, &random)
            // Too short for an outage, or long enough for one. Who waits patiently for an answer may have old copies for as long.
            let limit = Bool.random(using: &random) ? 100 : isPatient && fault.isSilence ? 2500 : 900
            return Step(pauseMilliseconds: pause, fault: fault, durationMilliseconds: Int.random(in: 10...limit, using: &random))
        }
        self.hasForbiddenKey = Bool.random(using: &random)
        self.changes = Bool.random(using: &random) ? 40 : 4
        self.foreignPauseMilliseconds = Bool.random(using: &random) ? 10 : 100
    }

    private static func fault(instances: Int, _ random: inout SplitMix64) -> Fault {
        let instance = Bool.random(using: &random) ? nil : Int.random(in: 0..<instances, using: &random)
        switch Int.random(in: 0..<16, using: &random) {
        case 0, 1: return .restart
        case 2: return .restartEmpty
        case 3, 4: return .stop
        case 5, 6: return .network(.cut, instance: instance)
        case 7, 8: return .network(.blackHole, instance: instance)
        case 9: return .network(.halfClose, instance: instance)
        case 10: return .network(.garbage, instance: instance)
        case 11: return .network(Self.delay(&random), instance: instance)
        case 12: return .connection(.blackHole, instance: Int.random(in: 0..<instances, using: &random))
        default: return .connection(Self.delay(&random), instance: Int.random(in: 0..<instances, using: &random))
        }
    }

    private static func delay(_ random: inout SplitMix64) -> ProxyFault {
        .delay(toServerMilliseconds: Int.random(in: 0...300, using: &random), toClientMilliseconds: Int.random(in: 0...100, using: &random))
    }
}

extension FaultSchedule.Step {
    /// Has the fault happen, and end.
    /// - Parameter whileDown: called when Redis has been ended and not been started yet.
    func perform(on redis: RedisServerProcess, _ proxies: [FaultProxy], whileDown: () async throws -> Void = {}) async throws {
        let duration = Duration.milliseconds(self.durationMilliseconds)
        switch self.fault {
        case .restart, .restartEmpty:
            redis.stop()
            try await Task.sleep(for: duration)
            try await whileDown()
            if self.fault == .restartEmpty { try redis.startEmpty() } else { try redis.start() }
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
        case .outOfMemory:
            try await redis.run("CONFIG SET maxmemory 1")
            try await Task.sleep(for: duration)
            try await redis.run("CONFIG SET maxmemory 0")
        case .readOnly:
            // Nobody listens there, so nothing is copied.
            try await redis.run("REPLICAOF 127.0.0.1 1")
            try await Task.sleep(for: duration)
            try await redis.run("REPLICAOF NO ONE")
        }
    }
}
