package import NIOCore
import RedisClient
import Synchronization

/// Which shard serves each slot, for the whole process, and how often that has been in doubt.
///
/// A *shard* is the slots that one master serves together. Its number stays when a replica takes over: only the address behind it changes. A single
/// Redis is shard 0 with every key in slot 0, so that there is one way for a key to go.
///
/// The *epoch* of a slot grows whenever another node may have begun to serve it. What was read before is not current from then on: a slot that moves
/// takes its values along, of which the old owner tells, but not the absences, of which nobody does.
///
/// Order: whoever changes the owner raises the epoch afterwards, and `place(of:)` looks at the epoch first. So a read that goes to the old owner has the
/// old epoch, and what it brings is not kept, be the old owner the last to learn that it is none.
package final class SlotTable: Sendable {
    /// Where a key is, as it was looked up.
    package struct Place: Hashable, Sendable {
        package let slot: UInt16
        package let epoch: UInt32
        /// The number of the shard.
        package let shard: Int
    }

    private let cluster = Atomic<Bool>(false)
    private let owners = InlineArray<16_384, Atomic<UInt16>> { _ in Atomic(0) }
    private let epochs = InlineArray<16_384, Atomic<UInt32>> { _ in Atomic(0) }

    package init() {}

    /// Whether Redis is a cluster. To be set before any key of it is asked for.
    package var isCluster: Bool {
        get { self.cluster.load(ordering: .relaxed) }
        set { self.cluster.store(newValue, ordering: .releasing) }
    }

    // MARK: Looking up

    /// The slot of a key. O(key length) in a cluster, else O(1).
    package func slot(of key: ByteBuffer) -> UInt16 { self.slot(of: key.readableBytesUInt8Span) }
    func slot(of key: Span<UInt8>) -> UInt16 { self.isCluster ? HashSlot(of: key).index : 0 }
    func slot(of key: [UInt8]) -> UInt16 { self.slot(of: key.span) }

    /// Where a key is now.
    package func place(of key: ByteBuffer) -> Place { self.place(ofSlot: self.slot(of: key)) }

    package func place(ofSlot slot: UInt16) -> Place {
        // The epoch first; see above.
        let epoch = self.epoch(of: slot)
        return Place(slot: slot, epoch: epoch, shard: self.shard(of: slot))
    }

    /// The shard that has a slot. Slots that no node serves are a shard of their own.
    package func shard(of slot: UInt16) -> Int { Int(self.owners[Int(slot)].load(ordering: .acquiring)) }

    package func epoch(of slot: UInt16) -> UInt32 { self.epochs[Int(slot)].load(ordering: .acquiring) }

    /// The slots that a shard serves. O(slots).
    package func slots(of shard: Int) -> [UInt16] {
        (0..<UInt16(HashSlot.count)).filter { self.shard(of: $0) == shard }
    }

    // MARK: Changes

    /// A shard has a slot from now on.
    package func assign(_ slot: UInt16, to shard: Int) {
        self.owners[Int(slot)].store(UInt16(shard), ordering: .releasing)
        self.raise(slot)
    }

    /// Another node may have begun to serve keys of a slot: what was read of it is not current any more.
    package func raise(_ slot: UInt16) { self.epochs[Int(slot)].wrappingAdd(1, ordering: .acquiringAndReleasing) }
}
