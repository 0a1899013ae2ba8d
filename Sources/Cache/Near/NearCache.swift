package import MemoryStore
package import NIOCore
import Synchronization

/// Copies of what this process has read from Redis, for all event loops: answered at memory speed while Redis vouches for them, and as what was last
/// known when Redis is away.
///
/// Idea. A copy lies in a store of its own, its value behind a header that says which connection vouches for it (`CoherenceFence.Coverage`), when it was
/// read, and whether it is the copy of an absence. Its deadline in the store is that of the key. So a connection that ends takes its copies with it
/// by one comparison at the next hit, and nobody walks over them. The same holds for a slot of a cluster that another node may serve by now.
///
/// Only a key that is read for the second time is kept (`Doorkeeper`): a copy costs Redis a row in its tracking table, and one that is never read again
/// would cost more than it saves.
///
/// A hit costs one hash, one lock of a shard and three loads more than a hit of the embedded store; see `CoherenceFence` for why it is not stale.
package final class NearCache: Sendable {
    package let settings: NearCacheSettings
    /// The copies.
    package let memory: MemoryStore
    let fence: CoherenceFence
    private let slots: SlotTable
    private let doorkeeper = Doorkeeper()
    private let isKeepable: @Sendable (ByteBuffer) -> Bool
    private let maximumAgeMilliseconds: Int64
    /// In a cluster: nobody tells of a key that is written at the new owner of a slot and was absent at the old one.
    private static let maximumAbsenceMillisecondsInCluster: Int64 = 1000
    private let standings: [ConnectionStanding]

    /// - Parameters:
    ///   - eventLoops: how many read.
    ///   - maximumShards: how many shards each of them may have a connection to; the product is at most 65,535.
    ///   - slots: who serves the keys.
    ///   - isKeepable: whether a value may be kept. A copy is answered without looking at it again.
    package init(
        _ settings: NearCacheSettings, eventLoops: Int, maximumShards: Int = 1, slots: SlotTable,
        isKeepable: @escaping @Sendable (ByteBuffer) -> Bool
    ) {
        let connectionCount = eventLoops * maximumShards
        self.settings = settings
        self.slots = slots
        self.memory = MemoryStore(MemoryStoreConfiguration(maximumBytes: settings.maximumBytes))
        self.fence = CoherenceFence(connectionCount: connectionCount, slots: slots)
        self.isKeepable = isKeepable
        self.maximumAgeMilliseconds = settings.effectiveMaximumAge.nanoseconds / 1_000_000
        self.standings = (0..<connectionCount).map { _ in ConnectionStanding() }
    }

    private var absenceMilliseconds: Int64 {
        let age = self.slots.isCluster ? self.settings.absenceAgeInCluster : self.settings.absenceAge
        return min(age.nanoseconds / 1_000_000, self.maximumAgeMilliseconds)
    }

    func hash(_ key: ByteBuffer) -> MemoryKeyHash { self.memory.hash(key.readableBytesUInt8Span) }

    // MARK: Reads

    /// What a copy says that Redis vouches for; nil if there is none.
    func current(_ key: ByteBuffer, _ hash: MemoryKeyHash, at place: SlotTable.Place, now: MonotonicTime) -> NearHit? {
        guard var hit = self.memory.get(key.readableBytesUInt8Span, hash: hash, now: now) else { return nil }
        let header = CopyHeader(takenOff: &hit)
        let age = header.age(at: now)
        guard age <= self.maximumAgeMilliseconds, header.slotEpoch == place.epoch, self.fence.trust(header.coverage) == .current else { return nil }
        return NearHit(answer: Self.answer(hit, header, .near, now), ageMilliseconds: age)
    }

    /// What was true when Redis was lost, at most `staleMilliseconds` ago; nil if that is not known.
    func lastKnown(_ key: ByteBuffer, slot: UInt16, staleMilliseconds: Int64, now: MonotonicTime) -> CacheAnswer? {
        guard var hit = self.memory.get(key.readableBytesUInt8Span, now: now) else { return nil }
        let header = CopyHeader(takenOff: &hit)
        guard header.slotEpoch == self.slots.epoch(of: slot) else { return nil }
        switch self.fence.trust(header.coverage) {
        case .none: return nil
        case .lastKnown(let since) where now.milliseconds - since.milliseconds > staleMilliseconds: return nil
        case .current, .lastKnown: return Self.answer(hit, header, .outage, now)
        }
    }

    private static func answer(_ hit: MemoryHit, _ header: CopyHeader, _ source: CacheSource, _ now: MonotonicTime) -> CacheAnswer {
        guard !header.isAbsence else { return .miss(source) }
        return .hit(.memory(hit), remainingMilliseconds: hit.expiresAt.map { $0.milliseconds - now.milliseconds }, source)
    }

    /// Whether the key was asked for lately: then what Redis answers is worth a copy.
    func isWorthKeeping(_ hash: MemoryKeyHash) -> Bool { self.doorkeeper.admits(hash) }

    // MARK: Copies

    /// Keeps what a read has brought, unless it may be out of date already.
    /// - Parameter sent: when the read was sent, from which the time to live is counted: Redis has counted from a later moment.
    func keep(
        _ key: ByteBuffer, _ hash: MemoryKeyHash, _ read: KeepableRead, _ ticket: CoherenceFence.Ticket, sent: MonotonicTime
    ) -> NearFill {
        let (value, lifetime, isAbsence): (ByteBuffer, Int64?, Bool) =
            switch read {
            case .value(let value, let remainingMilliseconds): (value, remainingMilliseconds, false)
            case .absence: (ByteBuffer(), self.effectiveAbsenceMilliseconds, true)
            }
        guard value.readableBytes <= self.settings.maximumValueBytes, isAbsence || self.isKeepable(value) else { return .unsuitable }
        // Those who wait for a value must hear at once that nobody computes it any more, and here nobody says so.
        if self.settings.mode == .ttl, case .enveloped(let value) = StoredValue(value), value.envelope.lease != nil {
            self.drop(key.readableBytesUInt8Span, hash)
            return .unsuitable
        }
        let header = CopyHeader(coverage: ticket.coverage, slotEpoch: ticket.place.epoch, readAt: sent, isAbsence: isAbsence)
        let outcome = header.withBytes { header in
            self.memory.set(
                key.readableBytesUInt8Span, hash: hash, header: header, value: value.readableBytesSpan,
                expiresAt: lifetime.map { sent.advanced(byMilliseconds: $0) }, now: sent
            ) { self.fence.isValid(ticket) }
        }
        switch outcome {
        case .stored: return .kept
        case .tooLarge: return .unsuitable
        case nil: return .fenced
        }
    }

    private var effectiveAbsenceMilliseconds: Int64 {
        self.slots.isCluster ? min(self.absenceMilliseconds, Self.maximumAbsenceMillisecondsInCluster) : self.absenceMilliseconds
    }

    /// The key has changed, or may have. When this returns, no copy that was read before is answered any more.
    func drop(_ key: Span<UInt8>, _ hash: MemoryKeyHash) {
        self.fence.raise(hash)
        _ = self.memory.remove(key, hash: hash, now: MonotonicTime(milliseconds: .min))
    }

    /// The same for callers without the hash of the key.
    func drop(_ key: [UInt8]) { self.drop(key.span, self.memory.hash(key.span)) }

    /// Keys that match have changed. When this returns, no copy of them that was read before is answered any more.
    func drop(where isMatch: (Span<UInt8>) -> Bool) async {
        self.fence.raiseAll()
        _ = await self.memory.walk(.remove, where: isMatch)
    }

    // MARK: Report

    /// How a connection stands to its copies, for reports.
    func note(_ standing: NearStanding, of connection: UInt16) {
        self.standings[Int(connection)].rawValue.store(standing.rawValue, ordering: .relaxed)
    }

    /// The copies, and what keeps them true.
    package var report: NearCacheReport {
        let standings = self.standings.compactMap { NearStanding(rawValue: $0.rawValue.load(ordering: .relaxed)) }
        return NearCacheReport(
            standing: standings.max { $0.rawValue < $1.rawValue } ?? .away, mode: self.settings.mode, memory: self.memory.statistics(now: .now))
    }
}

/// How one connection stands to its copies, readable from any thread.
private final class ConnectionStanding: Sendable {
    let rawValue = Atomic<UInt8>(NearStanding.away.rawValue)
}

/// What a read has brought that may be kept.
enum KeepableRead {
    case value(ByteBuffer, remainingMilliseconds: Int64?)
    /// The key has no value.
    case absence
}

/// A copy that may be answered as current.
struct NearHit {
    let answer: CacheAnswer
    let ageMilliseconds: Int64
}

/// What became of the copy of a read.
enum NearFill {
    case kept
    /// Something has changed since the read was sent.
    case fenced
    /// The value is too large, or not one that may be answered as it is.
    case unsuitable
}
