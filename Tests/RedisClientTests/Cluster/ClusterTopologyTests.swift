import NIOCore
import RESP
import Testing

@testable import RedisClient

@Suite struct ClusterTopologyTests {
    private static let information = "cluster_state:ok\r\ncluster_slots_assigned:16384\r\ncluster_current_epoch:6\r\n"

    private static func text(_ text: String) -> RESPValue { .bulkString(ByteBuffer(string: text)) }

    private static func node(_ host: RESPValue, _ port: Int64, _ identifier: String, metadata: [RESPValue] = []) -> RESPValue {
        .array([host, .integer(port), self.text(identifier), .array(metadata)])
    }

    private static func range(_ first: Int64, _ last: Int64, _ node: RESPValue) -> RESPValue {
        .array([.integer(first), .integer(last), node, self.node(self.text("replica"), 9, "r")])
    }

    private func topology(_ ranges: [RESPValue], _ information: String = information) throws -> ClusterTopology {
        try ClusterTopology(slots: .array(ranges), information: Self.text(information))
    }

    private func slot(_ index: Int) throws -> HashSlot { try #require(HashSlot(index: index)) }

    @Test func ownersOfSlots() throws {
        let (a, b) = (Self.node(Self.text("10.0.0.1"), 6379, "a"), Self.node(Self.text("10.0.0.2"), 6380, "b"))
        let view = try self.topology([Self.range(0, 5460, a), Self.range(5461, 10_922, b), Self.range(10_923, 10_923, a)])
        #expect(view.nodes.map(\.identifier) == ["a", "b"])
        #expect(view.nodes.map(\.address.port) == [6379, 6380])
        #expect(try view.owner(of: self.slot(5460))?.identifier == "a")
        #expect(try view.owner(of: self.slot(5461))?.identifier == "b")
        #expect(try view.owner(of: self.slot(10_923))?.identifier == "a")
        #expect(try view.owner(of: self.slot(10_924)) == nil)
        #expect(view.servedSlots == 10_924)
        #expect(view.replicas.map(\.port) == [9] && view.replicas.first?.host == "replica")
        #expect(view.isWhole && view.epoch == 6)
    }

    @Test func anEmptyViewServesNothing() throws {
        let view = try self.topology([], "cluster_state:fail\r\n")
        #expect(view.servedSlots == 0 && view.nodes.isEmpty && !view.isWhole && view.epoch == 0)
    }

    @Test func nodesWithoutANameOfTheirOwn() throws {
        let unknown = Self.node(.null, 7000, "a")
        let named = Self.node(Self.text("?"), 7001, "b", metadata: [Self.text("ip"), Self.text("10.0.0.2")])
        let nameless = Self.node(Self.text("?"), 7002, "c", metadata: [Self.text("hostname")])
        let view = try self.topology([Self.range(0, 0, unknown), Self.range(1, 1, named), Self.range(2, 2, nameless)])
        #expect(view.nodes.map(\.address.host) == [nil, "10.0.0.2", nil])
    }

    @Test func whatHasChanged() throws {
        let (a, b) = (Self.node(Self.text("h"), 1, "a"), Self.node(Self.text("h"), 2, "b"))
        let before = try self.topology([Self.range(0, 9, a), Self.range(10, 19, b)])
        let after = try self.topology([Self.range(0, 7, a), Self.range(8, 18, b)])
        #expect(after.changedSlots(since: before).map(\.index) == [8, 9, 19])
        let moved = try self.topology([Self.range(0, 9, Self.node(Self.text("other"), 9, "a")), Self.range(10, 19, b)])
        #expect(moved.changedSlots(since: before).isEmpty, "another address is no other owner")
    }

    @Test(arguments: [
        RESPValue.null, .integer(1), .array([.integer(0)]), .array([.array([])]), .array([.array([.integer(0), .integer(1)])]),
        .array([range(1, 0, node(text("h"), 1, "a"))]), .array([range(0, 16_384, node(text("h"), 1, "a"))]),
        .array([range(-1, 0, node(text("h"), 1, "a"))]), .array([range(0, 1, node(text("h"), 0, "a"))]),
        .array([range(0, 1, node(text("a b"), 1, "a"))]), .array([range(0, 1, .integer(1))]),
        .array([range(0, 5, node(text("h"), 1, "a")), range(5, 6, node(text("h"), 2, "b"))]),
    ]) func whatNoNodeAnswers(_ slots: RESPValue) {
        #expect(throws: RedisFailure.self) { try ClusterTopology(slots: slots, information: Self.text(Self.information)) }
    }
}
