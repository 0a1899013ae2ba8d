import NIOCore
import NIOPosix
import RESP
import TestSupport
import Testing

@testable import RedisClient

/// A real node of a cluster, which owns every slot or all but some: what it says of itself, and what it does with the commands that others send it.
@Suite(.enabled(if: RedisServerProcess.isAvailable, "needs redis-server"), .timeLimit(.minutes(5)))
struct ClusterNodeIntegrationTests {
    private static func key(_ text: String) -> ByteBuffer { ByteBuffer(string: text) }

    /// A node that owns these slots and knows no other.
    private func withNode(
        slots: [ClosedRange<Int>] = [0...16_383], _ body: (RedisServerProcess, RedisControl) async throws -> Void
    ) async throws {
        let bus = try PortReservation()
        let server = try RedisServerProcess(configuration: ["cluster-enabled yes", "cluster-port \(bus.port)", "cluster-require-full-coverage no"])
        defer { server.stop() }
        for range in slots { try await server.run("CLUSTER ADDSLOTSRANGE \(range.lowerBound) \(range.upperBound)") }
        let control = RedisControl(
            eventLoop: MultiThreadedEventLoopGroup.singleton.next(), configuration: server.configuration, logger: .silent)
        while try await !control.clusterView().isWhole { try Task.checkCancellation() }
        try await body(server, control)
        await control.shutDown()
    }

    @Test func aNodeSaysWhatItIs() async throws {
        try await self.withNode { _, control in
            #expect(await control.session?.isCluster == true)
            let view = try await control.clusterView()
            #expect(view.nodes.count == 1 && view.servedSlots == 16_384 && view.isWhole)
            let own = try await control.ownSlots()
            #expect(own.identifier == view.nodes.first?.identifier && own.isMaster && own.open.isEmpty)
            #expect(own.owned.map { $0.upperBound.index - $0.lowerBound.index } == [16_383])
        }
    }

    @Test func aServerOfItsOwnIsNoNode() async throws {
        let server = try RedisServerProcess()
        defer { server.stop() }
        let control = RedisControl(
            eventLoop: MultiThreadedEventLoopGroup.singleton.next(), configuration: server.configuration, logger: .silent)
        await #expect(throws: RedisFailure(.serverError, "", prefix: "ERR")) { try await control.clusterView() }
        #expect(await control.session?.isCluster == false)
        await control.shutDown()
    }

    @Test func aDatabaseThatAClusterDoesNotHave() async throws {
        try await self.withNode { server, _ in
            var configuration = server.configuration
            configuration.database = 1
            let connection = try await LiveConnection.start(configuration)
            #expect(await connection.untilLost()?.code == .databaseRefused)
            try await connection.close()
        }
    }

    /// A connection outlives that its slots are not served.
    @Test func aSlotThatNobodyServes() async throws {
        try await self.withNode(slots: [0...100, 102...16_383]) { server, control in
            let connection = try await LiveConnection.open(server.configuration)
            let slot = try #require(HashSlot(index: 101))
            let unserved = try #require(HashSlot.probeKey(prefix: []) { $0 == slot })
            let failure = await #expect(throws: RedisFailure.self) { try await connection.get(ByteBuffer(bytes: unserved)) }
            #expect(failure?.isAboutTheSlot == true)
            let served = try #require(HashSlot.probeKey(prefix: []) { $0 != slot })
            #expect(try await connection.get(ByteBuffer(bytes: served)) == .null)
            try await control.verify(probeKey: served)
            try await connection.close()
        }
    }

    @Test func openSlots() async throws {
        try await self.withNode { server, control in
            let bus = try PortReservation()
            let other = try RedisServerProcess(configuration: ["cluster-enabled yes", "cluster-port \(bus.port)"])
            defer { other.stop() }
            try await server.run("CLUSTER MEET 127.0.0.1 \(other.port) \(bus.port)")
            let stranger = RedisControl(
                eventLoop: MultiThreadedEventLoopGroup.singleton.next(), configuration: other.configuration, logger: .silent)
            let identifier = try await stranger.ownSlots().identifier
            let slot = HashSlot(of: Array("key".utf8).span)
            // Until the nodes know each other. An importing slot is not learned of any more, so the owners must be known before.
            while try await !stranger.clusterView().isWhole { try Task.checkCancellation() }
            while try await server.run("CLUSTER SETSLOT \(slot.index) MIGRATING \(identifier)") != "+OK\r\n" { try Task.checkCancellation() }
            #expect(try await control.ownSlots().open == [.init(slot: slot, direction: .migrating, node: identifier)])
            let own = try await control.ownSlots().identifier
            while try await other.run("CLUSTER SETSLOT \(slot.index) IMPORTING \(own)") != "+OK\r\n" { try Task.checkCancellation() }
            #expect(try await stranger.ownSlots().open == [.init(slot: slot, direction: .importing, node: own)])

            let redirect = await #expect(throws: RedisFailure.self) { try await control.run([["GET", "key"]]) }?.redirect
            #expect(redirect?.kind == .ask && redirect?.slot == slot && redirect?.address.port == other.port)
            try await self.commandsThatAsk(other, stranger, slot)
            await stranger.shutDown()
        }
    }

    /// At a node to which the slot is coming: without ASKING every command is sent back.
    private func commandsThatAsk(_ server: RedisServerProcess, _ control: RedisControl, _ slot: HashSlot) async throws {
        let connection = try await LiveConnection.open(server.configuration)
        let (key, value) = (Self.key("key"), Self.key("value"))
        #expect(try await connection.call { $0.askingSet(key, value, ttlMilliseconds: 60_000, token: 0, receiver: $1) } == .simpleOK)
        #expect(try await connection.call { $0.askingGet(key, token: 0, receiver: $1) } == .bulkString(value))
        #expect(await #expect(throws: RedisFailure.self) { try await connection.get(key) }?.redirect?.kind == .moved)
        guard case .integer(let remaining) = try await connection.call({ $0.askingPTTL(key, token: 0, receiver: $1) }) else {
            Issue.record("no time to live")
            return
        }
        #expect((1...60_000).contains(remaining))
        #expect(try await control.keys(inSlot: slot, limit: 10) == .init(count: 1, keys: [Array("key".utf8)]))
        let walk = try await control.invalidate(pattern: Array("*".utf8), keyByKey: true)
        #expect(walk.removed == 0 && walk.redirected.map(\.redirect?.kind) == [.moved])
        #expect(try await connection.call { $0.askingUnlink(key, token: 0, receiver: $1) } == .integer(1))
        #expect(try await connection.call { $0.askingUnlink(key, token: 0, receiver: $1) } == .integer(0))
        try await connection.close()
    }

    @Test func aWalkKeyByKey() async throws {
        try await self.withNode { _, control in
            let keys = (0..<3000).map { "user:\($0)" }
            for result in await control.pipeline(keys.map { ["SET", .string($0), "v"] }) { #expect(try result.get() == .simpleOK) }
            await #expect(throws: RedisFailure(.serverError, "", prefix: "CROSSSLOT")) { try await control.invalidate(pattern: Array("user:*".utf8)) }
            // A page may have a key by itself, which is deleted.
            guard case .integer(let left)? = try await control.run([["DBSIZE"]]).first else { throw RedisFailure.unexpectedReply }
            let deletion = try await control.invalidate(pattern: Array("user:*".utf8), scanCount: 5000, keyByKey: true)
            #expect(deletion == RedisControl.Deletion(removed: Int(left)) && left > 2900)
            #expect(try await control.run([["DBSIZE"]]) == [.integer(0)])
        }
    }

    @Test func theKeysOfASlot() async throws {
        try await self.withNode { _, control in
            let slot = HashSlot(of: Array("tag".utf8).span)
            #expect(try await control.keys(inSlot: slot, limit: 5) == .init(count: 0, keys: []))
            for number in 0..<8 { #expect(try await control.run([["SET", .string("{tag}\(number)"), "v"]]) == [.simpleOK]) }
            let some = try await control.keys(inSlot: slot, limit: 5)
            #expect(some.count == 8 && some.keys.count == 5 && !some.isComplete)
            let all = try await control.keys(inSlot: slot, limit: 100)
            #expect(all.isComplete && Set(all.keys.map { String(decoding: $0, as: UTF8.self) }) == Set((0..<8).map { "{tag}\($0)" }))
        }
    }
}
