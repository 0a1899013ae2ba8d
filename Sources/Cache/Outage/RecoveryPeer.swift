import NIOCore
import RESP
import RedisClient

/// What the recovery needs of Redis and of the event loops' caches. Tests put a script in its place.
protocol RecoveryPeer: Sendable {
    /// Ends every connection to Redis at once.
    /// - Returns: what the server called the connections that have ended.
    func endConnections() async -> [Int64]
    func sleep(for time: TimeAmount) async
    func ping() async throws(RedisFailure)
    /// Has Redis drop what it may still read from connections that have ended.
    /// - Returns: false if Redis does not let us.
    func fence(_ identifiers: [Int64]) async throws(RedisFailure) -> Bool
    /// What the server calls itself, which is another name after each start and failover; nil if it does not say.
    func serverIdentifier() async throws(RedisFailure) -> String?
    /// The keys that all event loops have written lately, which they forget; nil if they were more than is remembered.
    func takeRecentWrites() async -> [[UInt8]]?
    func verifyWrites() async throws(RedisFailure)
    /// Connects every event loop, and gets an answer over each connection.
    func connectEventLoops() async throws(RedisFailure)
    /// - Returns: whether Redis kept keys that the user may not delete.
    func deleteAllStrings() async throws(RedisFailure) -> Bool
    /// - Returns: whether Redis kept keys that the user may not delete.
    func deleteKeys(matching pattern: [UInt8]) async throws(RedisFailure) -> Bool
    /// - Returns: the keys that the user may not delete, by their place in `keys`.
    func deleteKeys(_ keys: [[UInt8]]) async throws(RedisFailure) -> Set<Int>
    /// Sends commands that write values, all at once.
    func write(_ commands: [[RESPArgument]]) async -> [Result<RESPValue, RedisFailure>]
}

/// The Redis of this process, and all of its event loops.
struct RedisRecoveryPeer: RecoveryPeer {
    let control: RedisControl
    let eventLoops: [(eventLoop: any EventLoop, store: NIOLoopBound<RedisStore>)]
    /// What the connections of this process, and no others, call themselves.
    let clientName: String

    func endConnections() async -> [Int64] {
        var ended = await self.control.disconnect()
        for (eventLoop, store) in self.eventLoops {
            let future = eventLoop.submit { store.value.disconnect() }
            // It fails only if the event loop has ended, and its connection with it.
            ended += (try? await future.get()) ?? []
        }
        return ended
    }

    func sleep(for time: TimeAmount) async { try? await Task.sleep(for: .nanoseconds(time.nanoseconds)) }

    func ping() async throws(RedisFailure) { try await self.control.ping() }

    func fence(_ identifiers: [Int64]) async throws(RedisFailure) -> Bool {
        try await self.control.fence(identifiers, clientName: self.clientName)
    }

    func serverIdentifier() async throws(RedisFailure) -> String? { try await self.control.serverIdentifier() }

    func takeRecentWrites() async -> [[UInt8]]? {
        var all: [[UInt8]]? = []
        for (eventLoop, store) in self.eventLoops {
            let keys = eventLoop.submit { store.value.takeRecentWrites() }
            // It fails only if the event loop has ended, and with it the process.
            if let keys = (try? await keys.get()) ?? nil { all?.append(contentsOf: keys) } else { all = nil }
        }
        return all
    }

    /// The beginning of keys that nobody uses.
    var probeKey: [UInt8] { Array("\(self.clientName):probe".utf8) }

    func verifyWrites() async throws(RedisFailure) { try await self.control.verify(probeKey: self.probeKey) }

    func connectEventLoops() async throws(RedisFailure) {
        let futures = self.eventLoops.map { entry in
            let store = entry.store
            return entry.eventLoop.flatSubmit { store.value.connect() }
        }
        for future in futures {
            do {
                try await future.get()
            } catch {
                throw error as? RedisFailure ?? .notConnected
            }
        }
    }

    func deleteAllStrings() async throws(RedisFailure) -> Bool { try await self.control.removeAllStrings().refused > 0 }

    func deleteKeys(matching pattern: [UInt8]) async throws(RedisFailure) -> Bool {
        try await self.control.invalidate(pattern: pattern).refused > 0
    }

    func deleteKeys(_ keys: [[UInt8]]) async throws(RedisFailure) -> Set<Int> { try await self.control.unlink(keys.map { .bytes($0) }) }

    func write(_ commands: [[RESPArgument]]) async -> [Result<RESPValue, RedisFailure>] { await self.control.pipeline(commands) }
}
