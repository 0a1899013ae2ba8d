import Logging
import MemoryStore
import NIOCore
import RESP
import RedisClient
import Synchronization
import Testing

@testable import Cache

/// Whole outages, without sockets or servers.
@Suite(.timeLimit(.minutes(5))) struct OutageRecoveryTests {
    /// A Redis of strings that does what a script says.
    private final class ScriptedPeer: RecoveryPeer {
        struct State {
            var strings: [String: String] = [:]
            var calls: [String] = []
            /// Failures that are still to come, by call.
            var failures: [String: [RedisFailure]] = [:]
            var server: String? = "one"
            var ended: [Int64] = []
            var canFence = true
            var recentWrites: [[UInt8]]? = []
            var forbidden: Set<String> = []
            /// Replies to values, by key, once each.
            var replies: [String: [Result<RESPValue, RedisFailure>]] = [:]
        }

        let state = Mutex(State())
        /// What happens while a call is under way, once.
        let meanwhile = Mutex<[String: @Sendable () async -> Void]>([:])

        var calls: [String] { self.state.withLock { $0.calls } }

        private func call(_ name: String, _ detail: String = "") async throws(RedisFailure) {
            let reaction = self.meanwhile.withLock { $0.removeValue(forKey: name) }
            await reaction?()
            let failure = self.state.withLock { state -> RedisFailure? in
                state.calls.append(detail.isEmpty ? name : "\(name) \(detail)")
                guard let failure = state.failures[name]?.first else { return nil }
                state.failures[name]?.removeFirst()
                return failure
            }
            if let failure { throw failure }
        }

        func endConnections() async -> [Int64] {
            try? await self.call("end")
            return self.state.withLock { $0.ended }
        }

        func sleep(for time: TimeAmount) async { try? await self.call("sleep") }
        func ping() async throws(RedisFailure) { try await self.call("ping") }

        func fence(_ identifiers: [Int64]) async throws(RedisFailure) -> Bool {
            try await self.call("fence", "\(identifiers)")
            return self.state.withLock { $0.canFence }
        }

        func serverIdentifier() async throws(RedisFailure) -> String? {
            try await self.call("identify")
            return self.state.withLock { $0.server }
        }

        func takeRecentWrites() async -> [[UInt8]]? {
            try? await self.call("recent")
            return self.state.withLock { $0.recentWrites }
        }

        func verifyWrites() async throws(RedisFailure) { try await self.call("verify") }
        func connectEventLoops() async throws(RedisFailure) { try await self.call("connect") }

        func deleteAllStrings() async throws(RedisFailure) -> Bool {
            try await self.call("delete everything")
            self.state.withLock { $0.strings = [:] }
            return false
        }

        func deleteKeys(matching pattern: [UInt8]) async throws(RedisFailure) -> Bool {
            try await self.call("delete", String(decoding: pattern, as: UTF8.self))
            let glob = GlobPattern(pattern)
            self.state.withLock { state in state.strings = state.strings.filter { !glob.matches(Array($0.key.utf8).span) } }
            return false
        }

        func deleteKeys(_ keys: [[UInt8]]) async throws(RedisFailure) -> Set<Int> {
            let names = keys.map { String(decoding: $0, as: UTF8.self) }
            try await self.call("unlink", names.sorted().joined(separator: ","))
            return self.state.withLock { state in
                for name in names where !state.forbidden.contains(name) { state.strings[name] = nil }
                return Set(names.indices.filter { state.forbidden.contains(names[$0]) })
            }
        }

        func write(_ commands: [[RESPArgument]]) async -> [Result<RESPValue, RedisFailure>] {
            let pairs = commands.map { (String(buffer: $0[1].bytes), String(buffer: $0[2].bytes)) }
            try? await self.call("set", pairs.map(\.0).sorted().joined(separator: ","))
            return self.state.withLock { state in
                pairs.map { key, value in
                    if let reply = state.replies[key]?.first {
                        state.replies[key]?.removeFirst()
                        return reply
                    }
                    state.strings[key] = value
                    return .success(.simpleOK)
                }
            }
        }
    }

    private let store = MemoryStore(MemoryStoreConfiguration(maximumBytes: 1 << 22))
    private let log = RecordedLog()
    private let peer = ScriptedPeer()

    private func gate(_ writes: OutageWrites = .invalidate, journalKeys: Int = 100) -> OutageGate {
        var settings = OutageSettings()
        settings.writes = writes
        settings.journalKeys = journalKeys
        return OutageGate(memory: self.store, settings: settings, logger: self.log.logger)
    }

    private func set(_ gate: OutageGate, _ key: String, _ value: String = "new") {
        _ = gate.set(ByteBuffer(string: key), value: ByteBuffer(string: value), ttlSeconds: nil, now: .now)
    }

    private func delete(_ gate: OutageGate, _ key: String) { _ = gate.delete(ByteBuffer(string: key), now: .now) }

    private func strings(_ values: [String: String]) { self.peer.state.withLock { $0.strings = values } }

    /// Runs the recovery until Redis has been taken back `count` times.
    /// - Parameter afterwards: what happens each time
    private func recover(_ gate: OutageGate, times count: Int = 1, _ afterwards: (Int) -> Void = { _ in }) async {
        let (returns, continuation) = AsyncStream.makeStream(of: Void.self)
        let log = self.log
        log.onLine = { if log.lines.last?.hasPrefix("connected to Redis") == true { continuation.yield() } }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [peer = self.peer] in await OutageRecovery(gate: gate, peer: peer).run() }
            var number = 0
            for await _ in returns {
                number += 1
                afterwards(number)
                if number == count { break }
            }
            group.cancelAll()
        }
        log.onLine = nil
    }

    private static let attempt = ["end", "ping", "identify", "verify", "connect"]
    private static let nextAttempt = ["end", "sleep", "ping", "identify", "verify", "connect"]

    @Test func aStart() async {
        let gate = self.gate()
        await self.recover(gate)
        #expect(gate.isOpen(0))
        #expect(self.peer.calls == Self.attempt)
    }

    @Test func whatRedisHasMissedIsDeletedBeforeItIsAsked() async {
        let gate = self.gate()
        self.strings(["k": "old", "gone": "old", "p1": "old", "other": "kept"])
        self.set(gate, "k")
        self.delete(gate, "gone")
        let pattern = GlobPattern(Array("p*".utf8))
        _ = await gate.invalidate(Array("p*".utf8)) { pattern.matches($0) }
        await self.recover(gate)
        #expect(self.peer.calls == Self.attempt + ["delete p*", "unlink gone,k"])
        #expect(self.peer.state.withLock { $0.strings } == ["other": "kept"])
        #expect(self.store.statistics(now: .now).entries == 0)
        #expect(self.log.lines.contains { $0.hasPrefix("connected to Redis after ") && $0.contains("replayed 2 keys and 1 patterns") })
    }

    @Test func valuesAreRestored() async {
        let gate = self.gate(.restore)
        self.strings(["k": "old", "gone": "old"])
        self.set(gate, "k")
        self.delete(gate, "gone")
        await self.recover(gate)
        #expect(self.peer.calls == Self.attempt + ["set k", "unlink gone"])
        #expect(self.peer.state.withLock { $0.strings } == ["k": "new"])
    }

    /// A failure anywhere leads to another attempt with the journal intact.
    @Test(arguments: ["ping", "fence", "identify", "verify", "connect", "delete", "unlink"]) func aFailureAtEveryStep(_ call: String) async {
        let gate = self.gate()
        self.strings(["k": "old", "p1": "old"])
        self.delete(gate, "k")
        _ = await gate.invalidate(Array("p*".utf8)) { _ in false }
        self.peer.state.withLock {
            $0.failures[call] = [.connectionClosed]
            $0.ended = [1]
        }
        await self.recover(gate)
        #expect(gate.isOpen(0))
        #expect(self.peer.state.withLock { $0.strings } == [:])
        #expect(gate.report.failedAttempts == 1)
        #expect(self.peer.calls.filter { $0 == "end" }.count == 2)
        #expect(self.log.lines.filter { $0.contains("Redis is away") }.count == 1)
    }

    /// Redis is lost while a step is under way, as an event loop notices: what comes of the step is of no interest, and another attempt begins.
    @Test(arguments: ["fence", "identify", "verify", "connect", "delete", "unlink"]) func aLossAtEveryStep(_ call: String) async {
        let gate = self.gate()
        self.strings(["k": "old", "p1": "old"])
        self.delete(gate, "k")
        _ = await gate.invalidate(Array("p*".utf8)) { _ in false }
        self.peer.state.withLock { $0.ended = [1] }
        self.peer.meanwhile.withLock { $0[call] = { gate.failed(.deadlines) } }
        await self.recover(gate)
        #expect(gate.isOpen(0) && gate.journal().isEmpty)
        #expect(self.peer.state.withLock { $0.strings } == [:])
        #expect(gate.report.failedAttempts == 1)
        let calls = self.peer.calls
        let interrupted = calls.firstIndex { $0.hasPrefix(call) } ?? 0
        #expect(calls[interrupted + 1] == "end")
    }

    @Test func endedConnectionsAreFenced() async {
        let gate = self.gate()
        self.peer.state.withLock {
            $0.ended = [1, 2]
            $0.canFence = false
        }
        await self.recover(gate)
        #expect(self.peer.calls == ["end", "ping", "fence [1, 2]", "sleep", "identify", "verify", "connect"])
    }

    @Test func recentWritesAreInvalidatedIfAnotherServerAnswers() async {
        let gate = self.gate()
        await self.recover(gate, times: 2) { number in
            guard number == 1 else { return }
            self.strings(["recent": "old", "other": "kept"])
            self.peer.state.withLock {
                $0.server = "another"
                $0.recentWrites = [Array("recent".utf8)]
            }
            gate.failed(.deadlines)
        }
        #expect(self.peer.calls == Self.attempt + ["end", "sleep", "ping", "identify", "recent", "verify", "connect", "unlink recent"])
        #expect(self.peer.state.withLock { $0.strings } == ["other": "kept"])
    }

    @Test func everythingIsDeletedIfTheRecentWritesWereTooMany() async {
        let gate = self.gate()
        await self.recover(gate, times: 2) { number in
            guard number == 1 else { return }
            self.strings(["recent": "old", "other": "old"])
            self.peer.state.withLock {
                $0.server = "another"
                $0.recentWrites = nil
            }
            gate.failed(.deadlines)
        }
        #expect(self.peer.calls.last == "delete everything")
        #expect(self.peer.state.withLock { $0.strings } == [:])
    }

    /// What is written while everything is being deleted is settled afterwards.
    @Test func aFullJournalDeletesEverything() async {
        let gate = self.gate(journalKeys: 2)
        self.strings(["x": "old", "during": "old"])
        for key in ["1", "2", "3"] { self.set(gate, key) }
        self.peer.meanwhile.withLock { $0["delete everything"] = { self.set(gate, "during") } }
        await self.recover(gate)
        #expect(self.peer.calls == Self.attempt + ["delete everything", "unlink during"])
        #expect(self.peer.state.withLock { $0.strings } == [:])
        #expect(gate.report.purges == 1 && gate.isOpen(0))
        #expect(self.store.statistics(now: .now).entries == 0)
    }

    /// A key that is written while it is being settled is settled once more, and answered from memory until then.
    @Test func aWriteDuringItsSettlement() async {
        let gate = self.gate(.restore)
        self.set(gate, "k", "first")
        self.peer.meanwhile.withLock { $0["set"] = { self.set(gate, "k", "second") } }
        await self.recover(gate)
        #expect(self.peer.calls == Self.attempt + ["set k", "set k"])
        #expect(self.peer.state.withLock { $0.strings } == ["k": "second"])
    }

    // MARK: What Redis refuses

    @Test func aRefusedValueIsDeleted() async {
        let gate = self.gate(.restore)
        self.strings(["k": "old"])
        self.set(gate, "k")
        self.set(gate, "other")
        self.peer.state.withLock { $0.replies["k"] = [.failure(.serverError(ByteBuffer(string: "OOM command not allowed")))] }
        await self.recover(gate)
        #expect(self.peer.state.withLock { $0.strings } == ["other": "new"])
        #expect(gate.report.refusedKeys == [.outOfMemory: 1] && gate.report.lastReplay?.refused == 1)
    }

    @Test func aRefusedDeletionIsGivenUp() async {
        let gate = self.gate()
        self.strings(["k": "old", "other": "old"])
        self.delete(gate, "k")
        self.delete(gate, "other")
        self.peer.state.withLock { $0.forbidden = ["k"] }
        await self.recover(gate)
        #expect(self.peer.state.withLock { $0.strings } == ["k": "old"])
        #expect(gate.report.refusedKeys == [.notPermitted: 1])
        #expect(self.log.lines.filter { $0.contains("refuses for good") }.count == 1)
    }

    @Test func aUserWhoMayNotScan() async {
        let gate = self.gate()
        _ = await gate.invalidate(Array("p*".utf8)) { _ in false }
        self.peer.state.withLock { $0.failures["delete"] = [.serverError(ByteBuffer(string: "NOPERM this user has no permissions to run 'scan'"))] }
        await self.recover(gate)
        #expect(gate.isOpen(0) && gate.report.refusedPatterns == 1 && gate.report.failedAttempts == 0)
    }

    /// The value of one key ends the connection each time: it is found, and keeps no other key from Redis.
    @Test func aValueThatEndsConnections() async {
        let gate = self.gate(.restore)
        self.strings(["bad": "old"])
        for key in ["bad", "a", "b"] { self.set(gate, key) }
        let closed = Result<RESPValue, RedisFailure>.failure(.connectionClosed)
        self.peer.state.withLock { $0.replies["bad"] = Array(repeating: closed, count: 9) }
        await self.recover(gate)
        #expect(self.peer.state.withLock { $0.strings } == ["a": "new", "b": "new"])
        #expect(gate.report.refusedKeys == [.connectionLost: 1])
    }

    // MARK: The stop

    /// A stop is no failure: nobody counts or logs it, and what has not been replayed stays in the journal.
    @Test(arguments: ["end", "ping", "connect", "delete", "unlink"]) func aStopAtEveryStep(_ call: String) async {
        let gate = self.gate()
        self.delete(gate, "k")
        _ = await gate.invalidate(Array("p*".utf8)) { _ in false }
        let (reached, continuation) = AsyncStream.makeStream(of: Void.self)
        self.peer.state.withLock { $0.failures[call] = [.cancelled] }
        self.peer.meanwhile.withLock {
            $0[call] = {
                continuation.finish()
                // Until the task is cancelled.
                for await _ in AsyncStream<Void>.makeStream().stream {}
            }
        }
        let recovery = Task { [peer = self.peer] in await OutageRecovery(gate: gate, peer: peer).run() }
        for await _ in reached {}
        recovery.cancel()
        await recovery.value
        #expect(gate.report.journalKeys == 1)
        #expect(gate.report.failedAttempts == 0)
        #expect(self.log.lines.isEmpty)
    }
}
