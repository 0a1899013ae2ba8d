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
        var information: RedisInformation?
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
        var facts = Facts()
        do throws(RedisFailure) {
            try await control.ping()
        } catch {
            // A user without permission for PING still has a session.
            if error.serverErrorPrefix != "NOPERM" {
                facts.failure = error
                return facts
            }
        }
        let trials = CommandTrial.all(key: self.key, tracksReads: self.tracksReads)
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
        return facts
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
