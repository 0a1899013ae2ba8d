import NIOCore
import RESP
import Testing

@testable import RedisClient

@Suite struct ClusterMemberTests {
    private func node(_ host: String, _ identifier: String) -> RESPValue {
        .array([.bulkString(ByteBuffer(string: host)), .integer(6379), .bulkString(ByteBuffer(string: identifier)), .array([])])
    }

    @Test func ownersAndReplicas() throws {
        let (a, b, r) = (self.node("10.0.0.1", "a"), self.node("10.0.0.2", "b"), self.node("10.0.0.3", "r"))
        let members = try ClusterMember.all(
            slots: .array([
                .array([.integer(0), .integer(1), a, r]), .array([.integer(2), .integer(3), b]), .array([.integer(4), .integer(5), a, r]),
            ]))
        #expect(members.map(\.identifier) == ["a", "r", "b"])
        #expect(members.map(\.owner) == [nil, "a", nil])
        #expect(members.map(\.address.host) == ["10.0.0.1", "10.0.0.3", "10.0.0.2"])
        #expect(try ClusterMember.all(slots: .array([])) == [])
    }

    @Test func whatNoNodeSays() {
        let short = RESPValue.array([.integer(0), .integer(1)])
        let nameless = RESPValue.array([.integer(0), .integer(1), .null])
        for value in [RESPValue.null, .array([.null]), .array([short]), .array([nameless])] {
            #expect(throws: RedisFailure(.protocolViolation)) { try ClusterMember.all(slots: value) }
        }
    }
}
