package import NIOCore
import RedisClient

/// A key that a shard can be asked for to see whether it serves keys. A `PING` proves nothing in a cluster: nodes answer it that refuse every key.
package struct ProbeKey {
    /// Of a shard with a single slot, one key in 16,384 is in it.
    private static let maximumTries = 1 << 17

    private let prefix: String
    private var number = 0
    private var current: (key: ByteBuffer, slot: UInt16)?

    package init(prefix: String) { self.prefix = prefix }

    /// The key, and its slot; nil if the shard serves none. Stays the same as long as it can. O(1), or else 16,384 keys by the slots of the shard.
    package mutating func key(of shard: Int, in table: SlotTable) -> (key: ByteBuffer, slot: UInt16)? {
        if let current, table.shard(of: current.slot) == shard { return current }
        self.current = nil
        guard (0..<UInt16(HashSlot.count)).contains(where: { table.shard(of: $0) == shard }) else { return nil }
        for _ in 0..<Self.maximumTries {
            self.number += 1
            let key = ByteBuffer(string: "\(self.prefix):\(self.number)")
            let slot = HashSlot(of: key.readableBytesUInt8Span).index
            guard table.shard(of: slot) == shard else { continue }
            self.current = (key, slot)
            break
        }
        return self.current
    }

    /// The key did not serve its purpose: the next one is another.
    package mutating func discard() { self.current = nil }
}
