package import NIOCore
import RESP
package import RedisClient

/// Finds Redis again and tells it what it has missed, for the whole process: one attempt at a time, whatever the number of event loops and requests.
///
/// The order of an attempt, and why: all connections are ended, so that nothing more is sent over them; Redis is asked for a sign of life; it is
/// told to drop what the ended connections had sent (`RedisControl.fence`), or that is waited for, since it could otherwise be carried out after the
/// replay; if it is another server than before, the last writes are doubted (`RecentWrites`); it must carry out writes; every event loop gets its connection and an answer on it within the deadline of a command, since a Redis that
/// is merely slow would be left again at once; patterns are deleted. Then Redis is asked for keys that the journal does not hold, and the keys of the
/// journal follow one by one.
package struct OutageRecovery: Sendable {
    /// Keys that are settled in one round trip.
    private static let keysPerStep = 500
    /// Bytes of values in one round trip, after which no further key is taken.
    private static let bytesPerStep = 1 << 20

    private let gate: OutageGate
    private let control: RedisControl
    private let eventLoops: [(eventLoop: any EventLoop, store: NIOLoopBound<RedisStore>)]
    private let clientName: String
    private let backoff: ReconnectBackoff

    /// - Parameter clientName: what the connections of this process, and no others, call themselves.
    package init(
        gate: OutageGate,
        control: RedisControl,
        eventLoops: [(eventLoop: any EventLoop, store: NIOLoopBound<RedisStore>)],
        clientName: String
    ) {
        self.gate = gate
        self.control = control
        self.eventLoops = eventLoops
        self.clientName = clientName
        self.backoff = ReconnectBackoff(base: gate.settings.pauseBase, cap: gate.settings.pauseCap)
    }

    /// What one attempt leaves to the next.
    private struct Progress {
        /// What Redis may still carry out of connections that have ended.
        var unfenced: [Int64] = []
        /// Values that are restored in one round trip: one, after a connection ended over some, so that the one that ends it is found.
        var valuesPerStep = OutageRecovery.keysPerStep
    }

    /// Works until the task is cancelled.
    package func run() async {
        var progress = Progress()
        for await _ in self.gate.demands {
            while !Task.isCancelled, await self.workOnce(&progress) {}
        }
    }

    /// - Returns: whether there was something to do.
    private func workOnce(_ progress: inout Progress) async -> Bool {
        switch self.gate.work {
        case .none:
            return false
        case .recover(let generation):
            await self.recover(generation, &progress.unfenced)
        case .settle(let generation):
            do throws(RedisFailure) {
                try await self.settleSome(generation, &progress)
            } catch {
                self.gate.failed(.failure(error))
            }
        }
        return true
    }

    private func recover(_ generation: Int, _ unfenced: inout [Int64]) async {
        unfenced += await self.endConnections()
        await self.pause()
        guard !Task.isCancelled else { return }
        do throws(RedisFailure) {
            try await self.control.ping()
            guard self.gate.reached(generation: generation) else { return }
            try await self.fence(&unfenced)
            try await self.doubtRecentWrites()
            try await self.control.verify(probeKey: Array("\(self.clientName):probe".utf8))
            try await self.connectEventLoops()
            try await self.replayShared(generation)
        } catch {
            self.gate.attemptFailed(.failure(error), generation: generation)
        }
    }

    private func pause() async {
        let (failedAttempts, reason) = self.gate.pace
        guard failedAttempts > 0 || reason != .starting else { return }
        let pace: ReconnectBackoff.Pace = reason.isConfiguration ? .capped : .attempt(failedAttempts)
        let pause = self.backoff.pause(pace, random: Double.random(in: 0..<1))
        try? await Task.sleep(for: .nanoseconds(pause.nanoseconds))
    }

    private func endConnections() async -> [Int64] {
        var ended = await self.control.disconnect()
        for (eventLoop, store) in self.eventLoops {
            let future = eventLoop.submit { store.value.disconnect() }
            // It fails only where the event loop has ended, and its connection with it.
            ended += (try? await future.get()) ?? []
        }
        return ended
    }

    private func fence(_ unfenced: inout [Int64]) async throws(RedisFailure) {
        guard !unfenced.isEmpty else { return }
        if try await !self.control.fence(unfenced, clientName: self.clientName) {
            let share = Double.random(in: 0.5..<1)
            try? await Task.sleep(for: .nanoseconds(Int64(Double(self.gate.settings.barrier.nanoseconds) * share)))
        }
        unfenced = []
    }

    /// A replica that took over lacks the last writes that its master acknowledged. What it has instead is older, and must not be read.
    private func doubtRecentWrites() async throws(RedisFailure) {
        let identifier = try await self.control.serverIdentifier()
        if self.gate.isAnotherServer(identifier) {
            for (eventLoop, store) in self.eventLoops {
                let keys = eventLoop.submit { store.value.takeRecentWrites() }
                // It fails only where the event loop has ended, and with it the process.
                self.gate.doubt((try? await keys.get()) ?? nil)
            }
        }
        self.gate.noteServer(identifier)
    }

    private func connectEventLoops() async throws(RedisFailure) {
        let futures = self.eventLoops.map { entry in
            let store = entry.store
            return entry.eventLoop.flatSubmit { store.value.connect() }
        }
        for future in futures {
            do {
                try await future.get()
            } catch let failure as RedisFailure {
                throw failure
            } catch {
                throw .notConnected
            }
        }
    }

    // MARK: Replay

    private func replayShared(_ generation: Int) async throws(RedisFailure) {
        while true {
            switch self.gate.nextSharedWork(generation: generation) {
            case .none, .stale:
                return
            case .purge:
                let deletion = try await self.control.removeAllStrings()
                await self.gate.memory.removeAll()
                self.gate.purged(isRefused: deletion.refused > 0, generation: generation)
            case .pattern(let version, let bytes):
                let isRefused = try await self.invalidate(bytes)
                self.gate.settled(patternVersion: version, isRefused: isRefused, generation: generation)
            }
        }
    }

    /// - Returns: whether Redis refused it for some keys, or for all. A user who may delete, as was verified, but not scan is told so while Redis is
    ///   connected, too: it is no reason to stay without Redis.
    private func invalidate(_ pattern: [UInt8]) async throws(RedisFailure) -> Bool {
        do throws(RedisFailure) {
            return try await self.control.invalidate(pattern: pattern).refused > 0
        } catch {
            guard error.serverErrorPrefix == "NOPERM" else { throw error }
            return true
        }
    }

    private func settleSome(_ generation: Int, _ progress: inout Progress) async throws(RedisFailure) {
        let isRestoring = self.gate.settings.writes == .restore
        let entries = self.gate.entriesToSettle(limit: isRestoring ? progress.valuesPerStep : Self.keysPerStep)
        guard !entries.isEmpty else { return self.gate.replayed(generation: generation) }
        switch self.gate.settings.writes {
        case .invalidate:
            try await self.unlink(entries, generation)
        case .restore:
            try await self.restore(entries, generation, &progress)
            progress.valuesPerStep = min(2 * progress.valuesPerStep, Self.keysPerStep)
        }
    }

    private func unlink(_ entries: [OutageJournal.Entry], _ generation: Int) async throws(RedisFailure) {
        guard !entries.isEmpty else { return }
        let refused = try await self.control.unlink(entries.map { .bytes($0.key) })
        let told = entries.enumerated().map { index, entry in
            guard refused.contains(index) else { return entry }
            return OutageJournal.Entry(key: entry.key, version: entry.version, isValue: false, refusal: .notPermitted)
        }
        self.gate.settled(told, generation: generation)
    }

    private func restore(_ entries: [OutageJournal.Entry], _ generation: Int, _ progress: inout Progress) async throws(RedisFailure) {
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
        for (write, result) in zip(writes, await self.control.pipeline(writes.map(\.command))) {
            switch result {
            case .success(.simpleOK):
                self.gate.settled(CollectionOfOne(write.entry), generation: generation)
            case .success:
                throw .unexpectedReply
            case .failure(let failure):
                guard let refusal = ReplayRefusal(failure) else {
                    if failure.code == .connectionClosed {
                        progress.valuesPerStep = 1
                        // A server that hangs up on what it does not like may do so before its reply has arrived.
                        if writes.count == 1 { self.gate.connectionEnded(over: write.entry) }
                    }
                    throw failure
                }
                // What Redis has under the key is older and must go all the same.
                deletions.append(self.gate.valueRefused(write.entry, refusal))
            }
        }
        try await self.unlink(deletions, generation)
    }

    /// The command that writes an entry's value to Redis with what remains of its time to live; nil if the value is gone, or there is none.
    private func restoringCommand(_ entry: OutageJournal.Entry) -> [RESPArgument]? {
        guard entry.isValue, let (value, remaining) = self.gate.memory.value(of: entry.key) else { return nil }
        let command: [RESPArgument] = ["SET", .bytes(entry.key), RESPArgument(value)]
        return remaining.map { command + ["PX", .integer($0)] } ?? command
    }
}
