import MemoryStore
import NIOCore
import RESP
import RedisClient

/// The near cache as the connection of one event loop feeds it: takes tickets, keeps what reads bring, and drops what Redis or this loop's writes have
/// changed. Confined to its event loop.
final class NearConnection {
    /// Keys of a push that are dropped at once; the rest follow in steps, so that answers are not kept waiting.
    private static let keysPerStep = 256
    private static let writeSlots = 1024

    let cache: NearCache
    let counters: NearCounters
    /// Hears of keys that have changed.
    weak var observer: (any KeyObserver)?
    private let connection: UInt16
    private let eventLoop: any EventLoop
    /// Writes that Redis has not answered, by hash: a client that has sent a write may read the key before the answer, and must not get a copy.
    private var writesInFlight = ContiguousArray<UInt32>(repeating: 0, count: writeSlots)
    /// The read under way of each key, by hash.
    private var readsInFlight: [MemoryKeyHash: UInt64] = [:]
    /// Keys of pushes that are still to be dropped, in their order.
    private var invalidated: [RESPValue] = []
    private var invalidatedIndex = 0
    private var signOfLife: Scheduled<Void>?
    /// Whether a sign of life is owed, be it late: there is never more than one, however long Redis takes.
    private var isSignOfLifeOwed = false
    /// Whether copies are current as far as this connection can tell.
    private var standing = NearStanding.away

    /// - Parameters:
    ///   - connection: its number in the fence of `cache`.
    ///   - counters: those of the event loop, which its connections to other shards share.
    init(_ cache: NearCache, connection: UInt16, eventLoop: any EventLoop, counters: NearCounters) {
        self.cache = cache
        self.counters = counters
        self.connection = connection
        self.eventLoop = eventLoop
    }

    // MARK: Reads

    /// The answer of a copy; nil if there is none that is current.
    func answer(_ key: ByteBuffer, _ hash: MemoryKeyHash, at place: SlotTable.Place, now: MonotonicTime) -> CacheAnswer? {
        guard !self.isBeingWritten(hash), let hit = self.cache.current(key, hash, at: place, now: now) else { return nil }
        self.counters.recordHit(ageMilliseconds: hit.ageMilliseconds)
        return hit.answer
    }

    func ticket(_ hash: MemoryKeyHash, at place: SlotTable.Place) -> CoherenceFence.Ticket {
        self.cache.fence.ticket(for: hash, at: place, over: self.connection)
    }

    /// Whether Redis says when a copy is no longer true.
    var isTracking: Bool { self.standing == .tracking }

    /// Whether copies are kept that nothing keeps true.
    var keepsForAWhile: Bool { self.standing == .timeToLive }

    /// Whether what a read brings is to be tracked by Redis, so that it can be kept.
    func shouldTrack(_ hash: MemoryKeyHash) -> Bool { self.isTracking && self.cache.isWorthKeeping(hash) }

    /// Whether what a read brings may be kept though Redis does not track it.
    func keepsUntracked(_ hash: MemoryKeyHash) -> Bool { self.keepsForAWhile && self.cache.isWorthKeeping(hash) }

    func keep(
        _ key: ByteBuffer, _ hash: MemoryKeyHash, _ read: KeepableRead, _ ticket: CoherenceFence.Ticket, sent: MonotonicTime
    ) {
        switch self.cache.keep(key, hash, read, ticket, sent: sent) {
        case .kept: self.counters.record(.kept)
        case .fenced: self.counters.record(.fenced)
        case .unsuitable: self.counters.record(.unsuitable)
        }
    }

    // MARK: Reads that share an answer

    /// The token of the read of a key that is under way, if another may share its answer.
    func sharedRead(_ hash: MemoryKeyHash) -> UInt64? { self.isBeingWritten(hash) ? nil : self.readsInFlight[hash] }

    func readBegan(_ hash: MemoryKeyHash, token: UInt64) { self.readsInFlight[hash] = token }

    func readEnded(_ hash: MemoryKeyHash, token: UInt64) {
        if self.readsInFlight[hash] == token { self.readsInFlight[hash] = nil }
    }

    // MARK: Writes

    func writeBegan(_ hash: MemoryKeyHash) { self.writesInFlight[self.writeSlot(hash)] += 1 }

    /// Redis has answered a write, or will be taken not to have. To be called before the client hears of it.
    func writeEnded(_ key: ByteBuffer, _ hash: MemoryKeyHash) {
        self.writesInFlight[self.writeSlot(hash)] -= 1
        self.cache.drop(key.readableBytesUInt8Span, hash)
        self.observer?.keyChanged(key)
    }

    private func isBeingWritten(_ hash: MemoryKeyHash) -> Bool { self.writesInFlight[self.writeSlot(hash)] > 0 }

    private func writeSlot(_ hash: MemoryKeyHash) -> Int { Int(truncatingIfNeeded: (hash.value >> 32) & UInt64(Self.writeSlots - 1)) }

    // MARK: The connection

    /// The connection is there.
    /// - Parameter ask: asks for a sign of life, if that is to be done; see `shouldAskForSignOfLife`.
    func began(isTracking: Bool, askForSignOfLife ask: @escaping () -> Void) {
        self.signOfLife?.cancel()
        self.isSignOfLifeOwed = false
        guard self.cache.settings.mode == .ttl || isTracking else { return self.stand(.refused) }
        self.cache.fence.begin(self.connection)
        self.stand(isTracking && self.cache.settings.mode == .auto ? .tracking : .timeToLive)
        self.scheduleSignOfLife(ask)
    }

    private func scheduleSignOfLife(_ ask: @escaping () -> Void) {
        self.signOfLife = self.eventLoop.assumeIsolated().scheduleTask(in: self.cache.settings.signOfLifeInterval) { [weak self] in
            self?.scheduleSignOfLife(ask)
            ask()
        }
    }

    /// The connection has ended: what it covered is last known from now on.
    func ended(now: MonotonicTime) {
        self.signOfLife?.cancel()
        self.signOfLife = nil
        self.isSignOfLifeOwed = false
        guard self.standing != .away else { return }
        if self.isVouching { self.counters.record(.lostConnection) }
        self.cache.fence.end(self.connection, now: now)
        self.stand(.away)
    }

    /// Whether a sign of life is to be asked for now. If so, it is owed until `isAlive` or `isLate`.
    func shouldAskForSignOfLife() -> Bool {
        guard !self.isSignOfLifeOwed else { return false }
        self.isSignOfLifeOwed = true
        return true
    }

    /// The sign of life has come too late: it says only how things were when it was asked for.
    func isLate() { self.isSignOfLifeOwed = false }

    /// The sign of life did not come in time. Nothing that Redis says may be on its way, so no copy is current.
    func isSilent(now: MonotonicTime) {
        guard self.isVouching else { return }
        self.counters.record(.silence)
        self.cache.fence.end(self.connection, now: now)
        self.stand(.silent)
    }

    /// The sign of life has come in time: whatever Redis had to say before has come, too.
    func isAlive() {
        self.isSignOfLifeOwed = false
        // Keys of a push that are still to be dropped wait for the next sign of life.
        guard self.standing == .silent, self.invalidated.isEmpty else { return }
        self.cache.fence.resume(self.connection)
        self.stand(self.cache.settings.mode == .auto ? .tracking : .timeToLive)
    }

    /// Redis no longer tracks what it is asked to.
    func trackingRefused(now: MonotonicTime) {
        guard self.standing == .tracking || self.standing == .silent else { return }
        self.cache.fence.end(self.connection, now: now)
        self.stand(.refused)
    }

    private var isVouching: Bool { self.isTracking || self.keepsForAWhile }

    private func stand(_ standing: NearStanding) {
        self.standing = standing
        self.cache.note(standing, of: self.connection)
    }

    // MARK: Pushes

    /// Redis says that keys have changed: `invalidate` with an array of keys, or with null for all.
    func pushed(_ elements: [RESPValue]) {
        guard elements.count == 2, elements[0].text == ByteBuffer(staticString: "invalidate") else { return self.counters.record(.otherPush) }
        switch elements[1] {
        case .null:
            self.counters.record(.pushOfEverything)
            self.cache.fence.renew(self.connection)
        case .array(let keys):
            self.counters.record(.pushOfKeys)
            self.counters.record(.invalidatedKey, by: keys.count)
            guard self.invalidated.count - self.invalidatedIndex + keys.count <= self.cache.settings.maximumPushedKeys else {
                return self.dropEverything()
            }
            let isUnderWay = !self.invalidated.isEmpty
            self.invalidated.append(contentsOf: keys)
            if !isUnderWay { self.dropInvalidated() }
        default:
            self.counters.record(.otherPush)
        }
    }

    /// More has changed than can be dropped one by one: no copy of this connection is answered any more.
    private func dropEverything() {
        self.counters.record(.pushOverflow)
        self.cache.fence.renew(self.connection)
    }

    /// A key that is dropped a step later is a push that came a moment later: own writes do not wait for pushes.
    private func dropInvalidated() {
        let end = min(self.invalidatedIndex + Self.keysPerStep, self.invalidated.count)
        for index in self.invalidatedIndex..<end {
            guard let key = self.invalidated[index].text else { continue }
            self.cache.drop(key.readableBytesUInt8Span, self.cache.hash(key))
            self.observer?.keyChanged(key)
        }
        guard end < self.invalidated.count else {
            self.invalidated.removeAll(keepingCapacity: self.invalidated.count <= Self.keysPerStep)
            self.invalidatedIndex = 0
            return
        }
        self.invalidatedIndex = end
        self.eventLoop.assumeIsolated().execute { self.dropInvalidated() }
    }
}

@available(*, unavailable)
extension NearConnection: Sendable {}
