import Testing

@testable import RedisClient

@Suite struct ClusterNodeSlotsTests {
    private static let other = "67ed2db8d677e59ec4a4cefb06858cf2a1a89fa1"

    private func slots(_ mine: String) throws(RedisFailure) -> ClusterNodeSlots {
        try ClusterNodeSlots(
            nodes: """
                \(Self.other) 127.0.0.1:30002@31002 master - 0 1426238316232 2 connected 5461-10922
                07c37df 127.0.0.1:30004@31004,host slave \(Self.other) 0 1426238317239 4 connected
                \(mine)

                """)
    }

    private func range(_ first: Int, _ last: Int) throws -> ClosedRange<HashSlot> {
        try #require(HashSlot(index: first))...#require(HashSlot(index: last))
    }

    @Test func whatANodeOwns() throws {
        let slots = try self.slots(
            "e7d1eec 127.0.0.1:30001@31001 myself,master - 0 0 1 connected 0-5460 5500 16383 [93->-\(Self.other)] [77-<-\(Self.other)]")
        #expect(slots.identifier == "e7d1eec" && slots.isMaster)
        #expect(try slots.owned == [self.range(0, 5460), self.range(5500, 5500), self.range(16_383, 16_383)])
        #expect(
            try slots.open == [
                .init(slot: #require(HashSlot(index: 93)), direction: .migrating, node: Self.other),
                .init(slot: #require(HashSlot(index: 77)), direction: .importing, node: Self.other),
            ])
        for (index, isOwned) in [(0, true), (5460, true), (5461, false), (5500, true), (16_383, true)] {
            #expect(try slots.owns(#require(HashSlot(index: index))) == isOwned)
        }
    }

    @Test func nodesWithoutSlots() throws {
        let empty = try self.slots("e7d1eec :0@0 myself,master - 0 0 0 connected")
        #expect(empty.isMaster && empty.owned.isEmpty && empty.open.isEmpty)
        #expect(try !self.slots("e7d1eec 127.0.0.1:1@2,,shard-id=x myself,slave \(Self.other) 0 0 1 connected").isMaster)
    }

    @Test(arguments: [
        "", "e7d1eec 127.0.0.1:1@2 myself,master - 0 0 1", "e7d1eec 127.0.0.1:1@2 master - 0 0 1 connected 0-5460",
        "me a myself,master - 0 0 1 connected 16384",
        "me a myself,master - 0 0 1 connected 5-4", "me a myself,master - 0 0 1 connected 1-2-3", "me a myself,master - 0 0 1 connected +1",
        "me a myself,master - 0 0 1 connected [1-=-x]", "me a myself,master - 0 0 1 connected [1->-]", "me a myself,master - 0 0 1 connected [1->-x",
        "me a myself,master - 0 0 1 connected [x->-y]", "me a myself,master - 0 0 1 connected 99999999999999999999",
    ])
    func whatNoNodeSays(_ mine: String) {
        #expect(throws: RedisFailure(.protocolViolation)) { try self.slots(mine) }
    }
}

@Suite struct ProbeKeyTests {
    @Test(arguments: [0, 1, 8191, 16_383]) func aKeyOfASingleSlot(_ index: Int) throws {
        let slot = try #require(HashSlot(index: index))
        let key = try #require(HashSlot.probeKey(prefix: Array("agent:probe:".utf8)) { $0 == slot })
        #expect(HashSlot(of: key.span) == slot)
        #expect(key.starts(with: "agent:probe:".utf8))
    }

    @Test func theFirstThatFits() {
        #expect(HashSlot.probeKey(prefix: []) { _ in true } == Array("0".utf8))
    }

    /// Also quickly if the prefix leaves no choice.
    @Test func noneFits() {
        var tries = 0
        #expect(
            HashSlot.probeKey(prefix: Array("{tag}:".utf8)) { _ in
                tries += 1
                return false
            } == nil)
        #expect(tries == 2)
        tries = 0
        #expect(
            HashSlot.probeKey(prefix: Array("{".utf8)) { _ in
                tries += 1
                return false
            } == nil)
        #expect(tries == 327_680)
    }

    @Test func aPrefixWithATagOfTheNode() throws {
        let slot = HashSlot(of: Array("tag".utf8).span)
        #expect(HashSlot.probeKey(prefix: Array("{tag}:".utf8)) { $0 == slot } == Array("{tag}:0".utf8))
    }

    @Test func whereAnAddressIs() throws {
        let asked = RedisEndpoint.tcp(host: "seed", port: 1)
        #expect(try #require(ClusterAddress(host: "a", port: 2)).endpoint(askedAt: asked) == .tcp(host: "a", port: 2))
        let unnamed = try #require(ClusterAddress(host: nil, port: 2))
        #expect(unnamed.endpoint(askedAt: asked) == .tcp(host: "seed", port: 2))
        #expect(unnamed.endpoint(askedAt: .unixSocket(path: "/s")) == nil)
    }
}
