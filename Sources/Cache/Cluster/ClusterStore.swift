package import NIOCore
import RedisClient

/// Redis as the store of one event loop: one `RedisStore` for each shard, each with its connection. A single Redis is the only shard of its cluster.
///
/// An operation goes to the shard that serves the key's slot. If the node there says that another one does, the operation is sent once more where that
/// can be done in time, and the table learns. What cannot be sent on, memory answers in Redis's place: a redirect says that nothing was done, so it
/// is no outage, and no gate closes for it.
///
/// Time. An operation that is sent again has the deadline of any command once more, because the commands of a connection expire in their order. So it is
/// only sent again within half of that time, and the answer comes within one and a half.
package final class ClusterStore: CacheStore {
    /// How often an operation may be sent again.
    static let maximumHops = 2

    private let gate: OutageGate
    private let slots: SlotTable
    /// nil for a single Redis.
    private let directory: (any ClusterDirectory)?
    private let eventLoop: any EventLoop
    /// How long after an operation began it may be sent again, in nanoseconds.
    private let resendWindow: Int
    /// By shard.
    private var stores: [RedisStore?] = []
    package let redirectCounters = RedirectCounters()
    /// What happened to this loop's copies; nil if there are none. Its stores count together.
    package let nearCounters: NearCounters?
    /// The counters of this loop's connections.
    package let redisCounters = EventLoopRedisCounters()
    /// Hears of keys that have changed, as far as copies are kept.
    weak var observer: (any KeyObserver)? {
        didSet { for store in self.allStores { store.near?.observer = self.observer } }
    }

    /// - Parameters:
    ///   - slots: who serves which keys.
    ///   - directory: knows the nodes; nil for a single Redis.
    ///   - commandDeadline: that of a connection.
    package init(
        gate: OutageGate, slots: SlotTable, directory: (any ClusterDirectory)? = nil, commandDeadline: TimeAmount = .milliseconds(30),
        on eventLoop: any EventLoop
    ) {
        self.resendWindow = Int(commandDeadline.nanoseconds / 2)
        self.gate = gate
        self.slots = slots
        self.directory = directory
        self.eventLoop = eventLoop
        self.nearCounters = gate.near.map { _ in NearCounters() }
    }

    // MARK: Shards

    /// From now on the store is asked for the slots of its shard.
    package func add(_ store: RedisStore) {
        while self.stores.count <= store.shard { self.stores.append(nil) }
        self.stores[store.shard] = store
        store.redirects = self
        store.near?.observer = self.observer
        self.redisCounters.add(store.redisCounters)
    }

    /// The store of a shard; nil if this loop has none.
    package func store(_ shard: Int) -> RedisStore? {
        shard < self.stores.count ? self.stores[shard] : nil
    }

    var allStores: some Sequence<RedisStore> { self.stores.lazy.compactMap(\.self) }

    // MARK: Operations

    package func get(
        _ key: ByteBuffer, acceptsCopy: Bool, wantsTimeToLive: Bool, now: Int, token: UInt64, receiver: any CacheAnswerReceiver
    ) -> CacheAnswer? {
        let place = self.slots.place(of: key)
        guard let store = self.store(place.shard) else { return self.gate.getInstead(key, slot: place.slot, acceptsCopy: acceptsCopy) }
        return store.get(
            key, at: place, acceptsCopy: acceptsCopy, wantsTimeToLive: wantsTimeToLive, now: now, token: token, receiver: receiver)
    }

    package func set(
        _ key: ByteBuffer, value: ByteBuffer, ttlSeconds: Int64?, now: Int, token: UInt64, receiver: any CacheAnswerReceiver
    ) -> CacheAnswer? {
        let place = self.slots.place(of: key)
        guard let store = self.store(place.shard) else {
            return self.gate.setInstead(key, slot: place.slot, shard: place.shard, value: value, ttlSeconds: ttlSeconds, isLate: false)
        }
        return store.set(key, at: place, value: value, ttlSeconds: ttlSeconds, now: now, token: token, receiver: receiver)
    }

    package func delete(_ key: ByteBuffer, now: Int, token: UInt64, receiver: any CacheAnswerReceiver) -> CacheAnswer? {
        let place = self.slots.place(of: key)
        guard let store = self.store(place.shard) else {
            return self.gate.deleteInstead(key, slot: place.slot, shard: place.shard, isLate: false)
        }
        return store.delete(key, at: place, now: now, token: token, receiver: receiver)
    }

    package func change(
        _ key: ByteBuffer, _ change: CacheChange, whileAway: ChangeWhileAway, now: Int, token: UInt64, receiver: any CacheAnswerReceiver
    ) -> CacheAnswer? {
        let place = self.slots.place(of: key)
        guard let store = self.store(place.shard) else { return self.gate.changeInstead(key, slot: place.slot, change, whileAway: whileAway) }
        return store.change(key, at: place, change, whileAway: whileAway, now: now, token: token, receiver: receiver)
    }

    // MARK: Connections

    /// Asks the node of a shard whether it answers and serves keys; see `RedisStore.signOfLife`.
    package func signOfLife(_ shard: Int) -> EventLoopFuture<Void> {
        self.store(shard)?.signOfLife() ?? self.eventLoop.makeFailedFuture(RedisFailure.notConnected)
    }

    /// Closes all connections for good once the replies that are owed have come.
    package func close() -> EventLoopFuture<Void> {
        .andAllComplete(self.allStores.map { $0.close() }, on: self.eventLoop)
    }

    /// What the keys written lately take.
    var recentWritesReport: RecentWritesReport {
        self.allStores.reduce(into: RecentWritesReport()) { $0.add($1.recentWritesReport) }
    }
}

@available(*, unavailable)
extension ClusterStore: Sendable {}

// MARK: Redirects

extension ClusterStore: RedirectHandler {
    /// What a redirect leads to.
    private enum Course {
        case shard(Int)
        /// The node sends to itself: what the connection leads to is another one, or nobody knows any more.
        case stale
        /// The node is not known, yet.
        case unknown
        /// The redirect is about another slot than the one that was asked for.
        case malformed
    }

    func redirected(_ operation: InFlightOperation, _ redirect: RedisRedirect, _ failure: RedisFailure, by store: RedisStore) {
        let course = self.learn(redirect, slot: operation.slot, by: store)
        if case .shard(let shard) = course, self.resend(operation, to: shard, isAsking: redirect.kind == .ask) { return }
        self.redirectCounters.record(.givenUp)
        // First what was written, then the consequence: a gate closes with the journal complete.
        let answer = operation.partialAnswer ?? store.answerInstead(operation, failure)
        self.conclude(course, failure, by: store)
        operation.deliver(answer)
    }

    func signOfLifeRedirected(_ redirect: RedisRedirect, by store: RedisStore) -> Bool {
        guard case .stale = self.learn(redirect, slot: redirect.slot.index, by: store) else { return false }
        self.redirectCounters.record(.stale)
        return true
    }

    /// Takes in what a redirect says.
    private func learn(_ redirect: RedisRedirect, slot: UInt16, by store: RedisStore) -> Course {
        guard let directory, redirect.slot.index == slot else { return .malformed }
        switch redirect.kind {
        case .moved:
            self.redirectCounters.record(.moved)
        case .ask:
            self.redirectCounters.record(.ask)
            // An absence that was read before may have ended at the other node.
            self.slots.raise(slot)
        }
        guard let shard = directory.shard(at: redirect.address, asked: store.shard) else {
            directory.unknown(redirect.address)
            if redirect.kind == .moved { self.slots.raise(slot) }
            return .unknown
        }
        guard shard != store.shard else { return .stale }
        // Of the many operations that a moved slot sends elsewhere, the first tells.
        if redirect.kind == .moved, self.slots.shard(of: slot) != shard { directory.moved(slot, to: shard) }
        return .shard(shard)
    }

    private func resend(_ operation: InFlightOperation, to shard: Int, isAsking: Bool) -> Bool {
        let now = Int(self.eventLoop.now.uptimeNanoseconds)
        guard operation.hops < Self.maximumHops, now - operation.began <= self.resendWindow, let store = self.store(shard) else { return false }
        return store.resend(operation, isAsking: isAsking, now: now)
    }

    private func conclude(_ course: Course, _ failure: RedisFailure, by store: RedisStore) {
        switch course {
        case .shard, .unknown:
            break
        case .stale:
            self.redirectCounters.record(.stale)
            self.gate.failed(.failure(failure), shard: store.shard)
        case .malformed:
            self.gate.failed(.failure(failure), shard: store.shard)
        }
    }

    func unserved(_ slot: UInt16) { self.directory?.uncovered(slot) }

    func clusterDown(_ shard: Int) { self.directory?.clusterDown(shard) }
}
