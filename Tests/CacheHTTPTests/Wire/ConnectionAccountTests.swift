import Testing

@testable import CacheAPI
@testable import HTTPWire

/// What one connection takes of what all of them share.
@Suite struct ConnectionAccountTests {
    private func limiter(_ change: (inout ServiceLimits) -> Void = { _ in }) -> Limiter {
        var limits = ServiceLimits()
        change(&limits)
        return Limiter(limits)
    }

    @Test func aPlaceIsGivenBackOnce() {
        let limiter = self.limiter { $0.maximumConnections = 1 }
        var first = ConnectionAccount(limiter)
        let reached = first.open(from: nil)
        #expect(reached == nil)
        var second = ConnectionAccount(limiter)
        let secondReached = second.open(from: nil)
        #expect(secondReached == .connections)
        let wasOpen = [first.close(), first.close(), second.close()]
        #expect(wasOpen == [true, false, true])
        var third = ConnectionAccount(limiter)
        let thirdReached = third.open(from: nil)
        #expect(thirdReached == nil)
    }

    @Test func probesNeedNoPlaceButRoom() {
        let limiter = self.limiter {
            $0.maximumConnections = 1
            $0.maximumProbes = 1
        }
        var first = ConnectionAccount(limiter)
        var second = ConnectionAccount(limiter)
        var third = ConnectionAccount(limiter)
        _ = first.open(from: nil)
        _ = second.open(from: nil)
        let mayProbe = second.foundNoPlace(.connections)
        #expect(mayProbe)
        _ = third.open(from: nil)
        let mayProbeToo = third.foundNoPlace(.connections)
        #expect(!mayProbeToo)
        let (hasPlace, hasNone) = (!first.isExcess, second.isExcess)
        #expect(hasPlace && hasNone)
        let mayPeerProbe = second.foundNoPlace(.connectionsOfPeer)
        #expect(!mayPeerProbe, "one client has all that it may have")
    }

    @Test func whatAConnectionHoldsIsCountedUntilItEnds() {
        let limiter = self.limiter { $0.maximumReceivedBytes = 10_000 }
        var account = ConnectionAccount(limiter)
        _ = account.open(from: nil)
        account.countReceived(ConnectionAccount.uncountedBytes)
        #expect(limiter.receivedByteCount == 0, "too little to count")
        account.countReceived(9000)
        account.countReceived(9000)
        #expect(limiter.receivedByteCount == 9000)
        let (hasRoom, hasRoomForMore) = (
            limiter.hasRoomToReceive(10_000 - account.countedBytes), limiter.hasRoomToReceive(10_001 - account.countedBytes)
        )
        #expect(hasRoom && !hasRoomForMore, "what it holds already is counted once")
        let stalls = [account.countUnsent(20_000), account.countUnsent(30_000), account.countUnsent(0), account.countUnsent(5)]
        #expect(stalls == [true, false, false, true])
        let isStalled = account.isStalled
        #expect(isStalled && limiter.unsentByteCount == 5)
        _ = account.close()
        #expect(limiter.receivedByteCount == 0 && limiter.unsentByteCount == 0)
        // A write that finds the client gone closes the account before it returns.
        let hasStalled = account.countUnsent(20_000)
        account.countReceived(9000)
        #expect(!hasStalled && limiter.receivedByteCount == 0 && limiter.unsentByteCount == 0)
    }
}

/// Which connection loses its place.
@Suite struct ConnectionTableTests {
    private final class Client: ReplaceableConnection {
        var tableIndex = 0
        let owesSince: Int?

        init(owesSince: Int?) { self.owesSince = owesSince }
        func giveUpPlace() {}
    }

    private let now = 10 * ConnectionTable.patience

    @Test func aConnectionThatOwesNothingKeepsItsPlace() {
        var table = ConnectionTable()
        #expect(table.slowest(now: self.now) == nil)
        for owesSince in [nil, self.now - ConnectionTable.patience] { table.insert(Client(owesSince: owesSince)) }
        #expect(table.slowest(now: self.now) == nil)
    }

    @Test func theSlowestLosesItsPlace() {
        var table = ConnectionTable()
        let slow = Client(owesSince: self.now - ConnectionTable.patience - 1)
        table.insert(slow)
        #expect(table.slowest(now: self.now) === slow)
        table.remove(slow)
        #expect(table.slowest(now: self.now) == nil)
    }

    @Test func removalKeepsTheOthers() {
        var table = ConnectionTable()
        let clients = (0..<5).map { _ in Client(owesSince: nil) }
        for client in clients { table.insert(client) }
        table.remove(clients[1])
        #expect(clients[4].tableIndex == 1, "the last takes its place")
        table.remove(clients[4])
        #expect([0, 2, 3].map { clients[$0].tableIndex }.sorted() == [0, 1, 2])
        for index in [3, 0, 2] { table.remove(clients[index]) }
        #expect(table.slowest(now: self.now) == nil)
    }
}
