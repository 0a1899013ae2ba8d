import NIOCore
import RESP
import RedisClient
import Testing

@testable import Cache

/// Which shard a node gets, and which slots change hands.
@Suite struct ShardMapTests {
    /// A view in which nodes own ranges of slots.
    private static func view(_ ranges: [(node: String, slots: ClosedRange<Int64>)], firstPort: Int64 = 7000) throws -> ClusterTopology {
        let slots = ranges.map { range -> RESPValue in
            let port = firstPort + range.node.utf8.reduce(0) { $0 + Int64($1) }
            let node: [RESPValue] = [.bulkString(ByteBuffer(string: "10.0.0.1")), .integer(port), .bulkString(ByteBuffer(string: range.node))]
            return .array([.integer(range.slots.lowerBound), .integer(range.slots.upperBound), .array(node)])
        }
        let information = ByteBuffer(string: "cluster_state:ok\r\ncluster_current_epoch:1\r\n")
        return try ClusterTopology(slots: .array(slots), information: .bulkString(information))
    }

    private static let three: [(String, ClosedRange<Int64>)] = [("a", 0...5460), ("b", 5461...10_922), ("c", 10_923...16_383)]

    private func owners(_ map: ShardMap, _ slots: Int...) -> [UInt16] { slots.map { map.owners[$0] } }

    @Test func theFirstViewGivesTheFirstShardTheNodeWithTheMostSlots() throws {
        var map = ShardMap(maximumShards: 8)
        let changes = map.adopt(try Self.view(Self.three))
        #expect(changes.moved.mapValues(\.identifier) == [0: "b"])
        #expect(Set(changes.begun.values.map(\.identifier)) == ["a", "c"])
        #expect(changes.retired.isEmpty)
        let (a, c) = (try #require(map.shard(of: "a")), try #require(map.shard(of: "c")))
        #expect(self.owners(map, 0, 5461, 16_383) == [UInt16(a), 0, UInt16(c)])
        #expect(changes.slots[a]?.count == 5461 && changes.slots[c]?.count == 5461 && changes.slots[0] == nil)
        let again = map.adopt(try Self.view(Self.three))
        #expect(again == ShardMap.Changes(), "the same view changes nothing")
    }

    @Test func aReplicaThatTakesOverServesTheSameShard() throws {
        var map = ShardMap(maximumShards: 8)
        _ = map.adopt(try Self.view(Self.three))
        let shard = try #require(map.shard(of: "c"))
        let changes = map.adopt(try Self.view([Self.three[0], Self.three[1], ("c2", 10_923...16_383)]))
        #expect(changes.moved.mapValues(\.identifier) == [shard: "c2"])
        #expect(changes.slots.isEmpty && changes.begun.isEmpty && changes.retired.isEmpty)
    }

    @Test func twoReplicasThatTakeOverAtOnce() throws {
        var map = ShardMap(maximumShards: 8)
        _ = map.adopt(try Self.view(Self.three))
        let shards = try [#require(map.shard(of: "a")), #require(map.shard(of: "c"))]
        let changes = map.adopt(try Self.view([("a2", 0...5460), Self.three[1], ("c2", 10_923...16_383)]))
        #expect(changes.moved.mapValues(\.identifier) == [shards[0]: "a2", shards[1]: "c2"])
        #expect(changes.slots.isEmpty)
    }

    @Test func aReplicaThatTakesOverComesBeforeOneThatHasGotAFewOfTheSlots() throws {
        var map = ShardMap(maximumShards: 8)
        _ = map.adopt(try Self.view(Self.three))
        let shard = try #require(map.shard(of: "c"))
        let changes = map.adopt(try Self.view([("d", 10_923...11_000), Self.three[0], Self.three[1], ("c2", 11_001...16_383)]))
        #expect(changes.moved.mapValues(\.identifier) == [shard: "c2"] && changes.begun.values.map(\.identifier) == ["d"])
    }

    @Test func aNodeThatIsAddedGetsAShardAndOneThatIsEmptiedLosesIt() throws {
        var map = ShardMap(maximumShards: 8)
        _ = map.adopt(try Self.view(Self.three))
        let grown = map.adopt(try Self.view([("a", 0...4000), ("d", 4001...5460), Self.three[1], Self.three[2]]))
        let shard = try #require(map.shard(of: "d"))
        #expect(grown.begun.mapValues(\.identifier) == [shard: "d"] && shard == 3)
        #expect(grown.slots == [shard: Array(4001...5460)])
        let a = try #require(map.shard(of: "a"))
        let shrunk = map.adopt(try Self.view([("d", 0...5460), Self.three[1], Self.three[2]]))
        #expect(shrunk.retired == [a] && shrunk.slots == [shard: Array(0...4000)])
        // Its number is used again.
        let again = map.adopt(try Self.view([("e", 0...10), ("d", 11...5460), Self.three[1], Self.three[2]]))
        #expect(again.begun.mapValues(\.identifier) == [a: "e"])
    }

    @Test func slotsThatNobodyServesAreAShardOfTheirOwn() throws {
        var map = ShardMap(maximumShards: 8)
        _ = map.adopt(try Self.view(Self.three))
        let changes = map.adopt(try Self.view([Self.three[0], Self.three[1]]))
        let uncovered = try #require(map.uncoveredShard)
        #expect(changes.slots == [uncovered: Array(10_923...16_383)])
        #expect(changes.retired.count == 1 && map.shards.count == 2 && !map.shards.contains(uncovered))
        // Who takes them is no successor of nobody.
        let back = map.adopt(try Self.view([Self.three[0], Self.three[1], ("c2", 10_923...16_383)]))
        #expect(back.begun.values.map(\.identifier) == ["c2"])
        #expect(map.uncover(7) == uncovered && map.owners[7] == UInt16(uncovered))
    }

    @Test func anotherAddressIsToldAndMovesNoSlot() throws {
        var map = ShardMap(maximumShards: 8)
        _ = map.adopt(try Self.view(Self.three))
        let shard = try #require(map.shard(of: "c"))
        let changes = map.adopt(try Self.view(Self.three, firstPort: 8000))
        #expect(changes.moved[shard]?.address.port == 8099 && changes.moved.count == 3)
        #expect(changes.slots.isEmpty && changes.begun.isEmpty)
    }

    @Test func beyondTheBoundMemoryAnswers() throws {
        var map = ShardMap(maximumShards: 4)
        _ = map.adopt(try Self.view(Self.three))
        #expect(map.shards.count == 3 && map.uncoveredShard == nil)
        let more = map.adopt(try Self.view([("a", 0...10), ("d", 11...5460), Self.three[1], Self.three[2]]))
        #expect(more.begun.isEmpty && more.slots == [3: Array(11...5460)] && map.uncoveredShard == 3)
    }
}
