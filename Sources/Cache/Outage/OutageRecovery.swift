import Backoff
package import NIOCore
import RESP
package import RedisClient

/// Finds the Redis of a shard again and replays what it has missed, for the whole process: one attempt at a time, whatever the number of event loops and
/// requests.
///
/// `OutageStateMachine` decides what to do next; the recovery performs that step and reports what came of it.
package struct OutageRecovery: Sendable {
    /// Bytes of values in one round trip, after which no further key is taken.
    private static let bytesPerStep = 1 << 20

    private let gate: OutageGate
    private let shard: Int
    private let peer: any RecoveryPeer
    private let backoff: JitteredBackoff

    /// - Parameter clientName: what the connections of this process, and no others, call themselves.
    package init(
        gate: OutageGate,
        shard: Int = 0,
        control: RedisControl,
        eventLoops: [(eventLoop: any EventLoop, store: NIOLoopBound<RedisStore>)],
        clientName: String
    ) {
        self.init(gate: gate, shard: shard, peer: RedisRecoveryPeer(control: control, eventLoops: eventLoops, clientName: clientName))
    }

    init(gate: OutageGate, shard: Int = 0, peer: any RecoveryPeer) {
        self.gate = gate
        self.shard = shard
        self.peer = peer
        self.backoff = JitteredBackoff(base: gate.settings.pauseBase, cap: gate.settings.pauseCap)
    }

    /// Works until the task is cancelled.
    package func run() async {
        for await _ in self.gate.shards[self.shard].demands {
            var step = self.gate.next(.woken, shard: self.shard)
            while step != .wait {
                let event = await self.perform(step)
                // A step that was cancelled says nothing of Redis.
                step = self.gate.next(Task.isCancelled ? .stopped : event, shard: self.shard)
            }
        }
    }

    private func perform(_ step: RecoveryStep) async -> RecoveryEvent {
        do throws(RedisFailure) {
            switch step {
            case .wait:
                return .woken
            case .endConnections:
                return .connectionsEnded(await self.peer.endConnections())
            case .pause(let pace):
                await self.peer.sleep(for: self.backoff.pause(pace, random: Double.random(in: 0..<1)))
                return .pauseEnded
            case .probe:
                try await self.peer.ping()
                return .redisAnswered
            case .fence(let identifiers):
                return try await self.peer.fence(identifiers) ? .connectionsFenced : .fenceRefused
            case .waitForEndedConnections:
                let share = Double.random(in: 0.5..<1)
                await self.peer.sleep(for: .nanoseconds(Int64(Double(self.gate.settings.barrier.nanoseconds) * share)))
                return .waitEnded
            case .identifyServer:
                return .serverIdentified(try await self.peer.serverIdentifier())
            case .collectRecentWrites:
                let written = await self.peer.takeRecentWrites()
                let replayed = self.gate.takeReplayedKeys(shard: self.shard)
                guard let written, let replayed else { return .recentWritesCollected(isComplete: false) }
                self.gate.record(recentWrites: written + replayed)
                return .recentWritesCollected(isComplete: true)
            case .verifyWrites:
                try await self.peer.verifyWrites()
                return .writesVerified
            case .connectEventLoops:
                try await self.peer.connectEventLoops()
                return .eventLoopsConnected
            case .deleteEverything:
                let isRefused = try await self.peer.deleteAllStrings()
                await self.gate.forgetValues(ofShard: self.shard)
                return .everythingDeleted(isRefused: isRefused)
            case .deletePattern(let pattern):
                return .patternDeleted(isRefused: try await self.delete(pattern))
            case .deleteKeys(let entries):
                return .keysSettled(await self.delete(entries))
            case .restoreKeys(let entries):
                return .keysSettled(await self.restore(entries))
            }
        } catch {
            return .stepFailed(error)
        }
    }

    /// - Returns: whether Redis refused it for some keys, or for all. A user who may delete, as was verified, but not scan gets the same refusal
    ///   while Redis is connected: it is no reason to stay without Redis.
    private func delete(_ pattern: [UInt8]) async throws(RedisFailure) -> Bool {
        do throws(RedisFailure) {
            return try await self.peer.deleteKeys(matching: pattern)
        } catch {
            guard error.serverErrorPrefix == "NOPERM" else { throw error }
            return true
        }
    }

    private func delete(_ entries: [OutageJournal.Entry]) async -> Settlement {
        guard !entries.isEmpty else { return Settlement() }
        do throws(RedisFailure) {
            let refused = try await self.peer.deleteKeys(entries.map(\.key))
            let settled = entries.enumerated().map { index, entry in
                guard refused.contains(index) else { return entry }
                return OutageJournal.Entry(key: entry.key, version: entry.version, isValue: false, refusal: .notPermitted)
            }
            return Settlement(settled: settled)
        } catch {
            return Settlement(failure: error)
        }
    }

    private func restore(_ entries: [OutageJournal.Entry]) async -> Settlement {
        var writes: [(entry: OutageJournal.Entry, command: [RESPArgument])] = []
        var deletions: [OutageJournal.Entry] = []
        var byteCount = 0
        for entry in entries where byteCount < Self.bytesPerStep {
            if let command = self.restoringCommand(entry) {
                writes.append((entry, command))
                byteCount += command.reduce(0) { $0 + $1.bytes.readableBytes }
            } else {
                deletions.append(entry)
            }
        }
        var settlement = Settlement()
        for (write, result) in zip(writes, await self.peer.write(writes.map(\.command))) {
            switch result {
            case .success(.simpleOK):
                settlement.settled.append(write.entry)
            case .success:
                settlement.failure = .unexpectedReply
                return settlement
            case .failure(let failure):
                guard let refusal = ReplayRefusal(failure) else {
                    settlement.failure = failure
                    if failure.code == .connectionClosed { settlement.interruptedValues = writes.map(\.entry) }
                    return settlement
                }
                var refused = write.entry
                refused.refusal = refusal
                settlement.refusedValues.append(refused)
            }
        }
        let deleted = await self.delete(deletions)
        settlement.settled += deleted.settled
        settlement.failure = deleted.failure
        return settlement
    }

    /// The command that writes an entry's value to Redis with what remains of its time to live; nil if the value is gone, or there is none.
    private func restoringCommand(_ entry: OutageJournal.Entry) -> [RESPArgument]? {
        guard entry.isValue, let (value, remaining) = self.gate.memory.value(of: entry.key) else { return nil }
        let command: [RESPArgument] = ["SET", .bytes(entry.key), RESPArgument(value)]
        return remaining.map { command + ["PX", .integer($0)] } ?? command
    }
}
