import Logging
import NIOCore
import NIOPosix
import OperatingSystem
import RESP
import RedisClient

/// Asks Redis what the checks need to know, through the client that the service itself uses.
struct RedisProbe: Sendable {
    /// What Redis answered.
    struct Facts: Sendable {
        /// Why there is no session; nil if there is one.
        var failure: RedisFailure?
        var user: String?
        var outcomes: [(trial: CommandTrial, outcome: CommandTrial.Outcome)] = []
        /// The key that the commands were tried with.
        var key: String
        var information: RedisInformation?
        /// nil if Redis is no cluster.
        var cluster: Result<ClusterFacts, RedisFailure>?
        var pings: [Duration] = []
        var lostPings = 0
    }

    private static let pingCount = 100
    /// After this many lost PINGs the probe gives up: each takes `REDIS_CONTROL_DEADLINE_MS`.
    private static let maximumLostPings = 3

    let configuration: RedisConfiguration
    let passwordProvider: (any RedisPasswordProvider)?
    /// A key that nobody else uses.
    let key: String
    /// Whether the service asks Redis to track reads.
    let tracksReads: Bool

    func facts() async -> Facts {
        let silent = Logger(label: "doctor", factory: { _ in SwiftLogNoOpLogHandler() })
        let control = RedisControl(
            eventLoop: MultiThreadedEventLoopGroup.singleton.next(), configuration: self.configuration, passwordProvider: self.passwordProvider,
            logger: silent)
        let facts = await self.facts(control)
        await control.shutDown()
        return facts
    }

    private func facts(_ control: RedisControl) async -> Facts {
        var facts = Facts(key: self.key)
        do throws(RedisFailure) {
            try await control.ping()
        } catch {
            // A user without permission for PING still has a session.
            if error.serverErrorPrefix != "NOPERM" {
                facts.failure = error
                return facts
            }
        }
        guard await self.isCluster(control) else {
            await self.tryCommands(control, isCluster: false, &facts)
            return facts
        }
        await self.askCluster(control, &facts)
        return facts
    }

    /// As the service sees it.
    private func isCluster(_ control: RedisControl) async -> Bool {
        switch self.configuration.clusterMode {
        case .on: true
        case .off: false
        case .auto: await control.session?.isCluster == true
        }
    }

    /// The commands are tried at the node that owns the key's slot.
    private func askCluster(_ control: RedisControl, _ facts: inout Facts) async {
        let probe = ClusterProbe(configuration: self.configuration, passwordProvider: self.passwordProvider)
        do throws(RedisFailure) {
            let view = try await control.clusterView()
            if view.owner(of: HashSlot(of: Array(self.key.utf8).span)) == nil,
                let served = HashSlot.probeKey(prefix: Array("\(self.key):".utf8), ownedBy: { view.owner(of: $0) != nil })
            {
                facts.key = String(decoding: served, as: UTF8.self)
            }
            facts.cluster = .success(try await probe.facts(control, view))
            let owner = view.owner(of: HashSlot(of: Array(facts.key.utf8).span))
            guard let endpoint = owner?.address.endpoint(askedAt: self.configuration.endpoint) else {
                return await self.tryCommands(control, isCluster: true, &facts)
            }
            let node = probe.control(endpoint)
            await self.tryCommands(node, isCluster: true, &facts)
            await node.shutDown()
        } catch {
            facts.cluster = .failure(error)
            await self.tryCommands(control, isCluster: true, &facts)
        }
    }

    private func tryCommands(_ control: RedisControl, isCluster: Bool, _ facts: inout Facts) async {
        let trials = CommandTrial.all(key: facts.key, tracksReads: self.tracksReads, isCluster: isCluster)
        // Tracking would end with the connection; ending it here makes sure.
        let replies = await control.pipeline([["ACL", "WHOAMI"]] + trials.map(\.arguments) + [["CLIENT", "TRACKING", "OFF"]])
        if case .success(let reply) = replies.first { facts.user = reply.text.map { String(buffer: $0) } }
        for (trial, reply) in zip(trials, replies.dropFirst()) {
            facts.outcomes.append((trial, CommandTrial.Outcome(reply)))
            if trial.name == "INFO", case .success(let value) = reply, let text = value.text {
                facts.information = RedisInformation(info: text.readableBytesView, keyCount: nil)
            }
        }
        await self.ping(control, &facts)
    }

    private func ping(_ control: RedisControl, _ facts: inout Facts) async {
        while facts.pings.count + facts.lostPings < Self.pingCount, facts.lostPings < Self.maximumLostPings {
            let start = ContinuousClock.now
            do throws(RedisFailure) {
                try await control.ping()
                facts.pings.append(ContinuousClock.now - start)
            } catch {
                // A refusal takes as long as an answer.
                if error.serverErrorPrefix == nil { facts.lostPings += 1 } else { facts.pings.append(ContinuousClock.now - start) }
            }
        }
    }
}
