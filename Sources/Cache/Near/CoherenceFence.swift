package import MemoryStore
import Synchronization

/// Decides whether what was read from Redis may be kept, and whether what was kept may still be answered.
///
/// A copy is kept because Redis promises to say when it is no longer true (`CLIENT TRACKING`). The promise is made on one connection, holds as long as
/// that connection, and arrives in the order of its replies. It says nothing of other event loops: loop X may have read an old value that is still on
/// its way while loop Y tells a client that the key is written. If X kept it, a third read would answer a value older than the acknowledged write.
///
/// So a read takes a ticket before it is sent, and what it brings is kept only if nothing has happened since that could have made it old:
/// - a *stamp* for each key (by hash, so that keys share stamps; a false alarm costs one copy), raised by every write of this process when Redis has
///   acknowledged it and before its client hears of it, by every push, and whenever Redis takes over from the journal;
/// - an *epoch*, raised by whatever concerns keys that cannot be listed, such as an invalidation by pattern;
/// - the *epoch of the slot*, raised when another node of a cluster may have begun to serve the key; see `SlotTable`;
/// - the *coverage* of the connection, which ends with it.
///
/// The ticket is compared, and the copy put in, under the lock of the shard that holds the key. Whoever raises a stamp removes the copy afterwards, under
/// the same lock. So either the copy is in before it is removed, or the raised stamp is seen: there is no third case. `CoherenceModelTests` tries every
/// interleaving of a small system, with each of these fences and without it.
///
/// All operations are O(1) and wait for nobody.
package final class CoherenceFence: Sendable {
    /// What a read remembers of the moment before it was sent.
    package struct Ticket: Hashable, Sendable {
        fileprivate let stampIndex: Int32
        fileprivate let stamp: UInt32
        fileprivate let epoch: UInt32
        /// Where the key was looked up.
        package let place: SlotTable.Place
        /// Which connection covers what is read, and for how long.
        package let coverage: Coverage
    }

    /// A connection, in one of its lives, as what vouches for copies.
    package struct Coverage: Hashable, Sendable {
        package let connection: UInt16
        package let generation: UInt32

        package init(connection: UInt16, generation: UInt32) {
            self.connection = connection
            self.generation = generation
        }
    }

    /// How far a copy can be trusted.
    package enum Trust: Hashable, Sendable {
        /// Redis would have said if it had changed.
        case current
        /// It was true when Redis was lost, at this time.
        case lastKnown(since: MonotonicTime)
        case none
    }

    /// Stamps for the keys of all shards. More of them mean fewer false alarms: with 4,096 and a thousand writes within a round trip, one fill in four.
    package static let stampCount = 4096

    private let stamps = InlineArray<4096, Atomic<UInt32>> { _ in Atomic(0) }
    private let epoch = Atomic<UInt32>(0)
    private let slots: SlotTable
    private let connections: [TrackedConnection]

    /// - Parameters:
    ///   - connectionCount: the connections that read for this process, one for each event loop and shard; 1 to 65,535. Connection `shard * event loops +
    ///     event loop` is that of an event loop to a shard.
    ///   - slots: who serves the keys.
    package init(connectionCount: Int, slots: SlotTable) {
        self.slots = slots
        self.connections = (0..<connectionCount).map { _ in TrackedConnection() }
    }

    // MARK: Reads

    /// Taken before a read is sent. It never becomes valid if the connection vouches for nothing then.
    /// - Parameter place: where the key was looked up before. What the connection reads is current only if it is that of this shard.
    package func ticket(for hash: MemoryKeyHash, at place: SlotTable.Place, over connection: UInt16) -> Ticket {
        let index = self.stampIndex(hash)
        return Ticket(
            stampIndex: Int32(truncatingIfNeeded: index), stamp: self.stamps[index].load(ordering: .acquiring),
            epoch: self.epoch.load(ordering: .acquiring), place: place,
            coverage: Coverage(connection: connection, generation: self.connections[Int(connection)].currentGeneration ?? 0))
    }

    /// Whether no change of the key is known since the ticket was taken: a read that comes now may share the answer.
    package func isUnchanged(_ ticket: Ticket) -> Bool {
        self.stamps[Int(ticket.stampIndex)].load(ordering: .acquiring) == ticket.stamp && self.epoch.load(ordering: .acquiring) == ticket.epoch
            && self.slots.epoch(of: ticket.place.slot) == ticket.place.epoch
    }

    /// Whether nothing has happened since that could have made old what was read with this ticket. To be called under the lock of the key's shard.
    package func isValid(_ ticket: Ticket) -> Bool {
        self.isUnchanged(ticket) && self.connections[Int(ticket.coverage.connection)].currentGeneration == ticket.coverage.generation
    }

    /// How far a copy can be trusted that was read with this coverage.
    package func trust(_ coverage: Coverage) -> Trust {
        self.connections[Int(coverage.connection)].trust(coverage.generation)
    }

    // MARK: Changes

    /// The key has changed, or may have. The caller removes its copy afterwards.
    package func raise(_ hash: MemoryKeyHash) {
        self.stamps[self.stampIndex(hash)].wrappingAdd(1, ordering: .acquiringAndReleasing)
    }

    /// Keys that cannot be listed have changed. The caller removes their copies afterwards.
    package func raiseAll() {
        self.epoch.wrappingAdd(1, ordering: .acquiringAndReleasing)
    }

    // MARK: Connections

    /// The connection is there, and Redis has promised to tell it of changes.
    package func begin(_ connection: UInt16) { self.connections[Int(connection)].begin() }

    /// The connection is lost, or does not answer: what it covered is last known from now on.
    package func end(_ connection: UInt16, now: MonotonicTime) { self.connections[Int(connection)].end(now: now) }

    /// Redis has told this connection that everything has changed: what it covered is not even last known. O(1), however many copies there are.
    package func renew(_ connection: UInt16) { self.connections[Int(connection)].renew() }

    /// The connection, which has not been lost, answers again. Whatever Redis had to say of the copies came before that, in the same order of bytes, so
    /// they are current again.
    package func resume(_ connection: UInt16) { self.connections[Int(connection)].resume() }

    /// Nothing that was ever read counts as known any more: not even what was true when Redis was lost. O(connections).
    package func forgetEverything() {
        self.raiseAll()
        for connection in self.connections { connection.renew() }
    }

    /// Whether the connection vouches for copies.
    package func isCovering(_ connection: UInt16) -> Bool { self.connections[Int(connection)].currentGeneration != nil }

    /// The low bits choose the shard's tag and the high ones the shard; these are between them.
    private func stampIndex(_ hash: MemoryKeyHash) -> Int { Int(truncatingIfNeeded: (hash.value >> 32) & UInt64(Self.stampCount - 1)) }
}

/// The lives of one connection, counted: odd while it is there, even while it is not. Its event loop alone changes that; any thread may end the trust in all
/// copies so far by adding two.
private final class TrackedConnection: Sendable {
    private let generation = Atomic<UInt32>(0)
    private let endedAt = Atomic<Int64>(0)

    var currentGeneration: UInt32? {
        let generation = self.generation.load(ordering: .acquiring)
        return generation & 1 == 1 ? generation : nil
    }

    func trust(_ copied: UInt32) -> CoherenceFence.Trust {
        let generation = self.generation.load(ordering: .acquiring)
        if generation == copied { return .current }
        // Only the life that has just ended: what an earlier one covered may have changed before the last began.
        guard generation & 1 == 0, generation == copied &+ 1 else { return .none }
        return .lastKnown(since: MonotonicTime(milliseconds: self.endedAt.load(ordering: .relaxed)))
    }

    func begin() {
        let generation = self.generation.load(ordering: .relaxed)
        guard generation & 1 == 0 else { return self.renew() }
        self.generation.wrappingAdd(1, ordering: .acquiringAndReleasing)
    }

    func end(now: MonotonicTime) {
        let generation = self.generation.load(ordering: .relaxed)
        guard generation & 1 == 1 else { return }
        self.endedAt.store(now.milliseconds, ordering: .relaxed)
        self.generation.wrappingAdd(1, ordering: .acquiringAndReleasing)
    }

    func resume() {
        let generation = self.generation.load(ordering: .relaxed)
        guard generation & 1 == 0, generation > 0 else { return }
        self.generation.wrappingSubtract(1, ordering: .acquiringAndReleasing)
    }

    /// Also in silence: otherwise what has been flushed meanwhile would be current again afterwards.
    func renew() {
        self.generation.wrappingAdd(2, ordering: .acquiringAndReleasing)
    }
}
