import NIOCore
import RESP
import Testing

@testable import RedisClient

@Suite struct TopologyRefreshTests {
    private static func time(_ milliseconds: Int64) -> NIODeadline { .uptimeNanoseconds(UInt64(milliseconds) * 1_000_000) }

    /// A view in which each name owns ten slots.
    private static func view(_ names: String..., epoch: Int = 1, isWhole: Bool = true) throws -> ClusterTopology {
        let ranges = names.enumerated().map { index, name in
            RESPValue.array([
                .integer(Int64(index * 10)), .integer(Int64(index * 10 + 9)),
                .array([.bulkString(ByteBuffer(string: "h")), .integer(Int64(index + 1)), .bulkString(ByteBuffer(string: name))]),
            ])
        }
        let information = "cluster_state:\(isWhole ? "ok" : "fail")\r\ncluster_current_epoch:\(epoch)\r\n"
        return try ClusterTopology(slots: .array(ranges), information: .bulkString(ByteBuffer(string: information)))
    }

    /// After the first refresh, at 0 ms.
    private static func settled(_ first: ClusterTopology) -> TopologyRefresh {
        var refresh = TopologyRefresh(now: self.time(0))
        #expect(refresh.timerFired(reachable: [], now: self.time(0), random: 0) == .ask(.seed))
        #expect(refresh.answered(first, reachable: [], now: self.time(0), random: 0.5) == .adopt(first, slots: []))
        return refresh
    }

    @Test func theFirstAnswerComesFromTheSeedAtOnce() throws {
        let refresh = Self.settled(try Self.view("a", "b"))
        #expect(refresh.view?.nodes.map(\.identifier) == ["a", "b"])
        #expect(refresh.wakeUp == Self.time(60_000))
    }

    @Test func withoutAnAnswerTheSeedIsAskedAgain() {
        var refresh = TopologyRefresh(now: Self.time(0))
        _ = refresh.timerFired(reachable: [], now: Self.time(0), random: 0)
        #expect(refresh.failed(reachable: [], now: Self.time(10), random: 0) == .wait)
        #expect(refresh.wakeUp == Self.time(1010))
        #expect(refresh.timerFired(reachable: [], now: Self.time(1009), random: 0) == .wait)
        #expect(refresh.timerFired(reachable: [], now: Self.time(1010), random: 0) == .ask(.seed))
    }

    @Test func theFirstTriggerIsActedOnSoonAndTheOthersAreNot() throws {
        var refresh = Self.settled(try Self.view("a", "b"))
        refresh.triggered(.moved, now: Self.time(5000), random: 0.5)
        #expect(refresh.wakeUp == Self.time(5050))
        refresh.triggered(.clusterDown, now: Self.time(5001), random: 0)
        #expect(refresh.wakeUp == Self.time(5050), "one refresh answers all triggers before it")
    }

    @Test func pausesDoubleWhileNothingChanges() throws {
        let view = try Self.view("a", "b")
        var refresh = Self.settled(view)
        var now: Int64 = 5000
        var pauses: [Int64] = []
        refresh.triggered(.moved, now: Self.time(now), random: 0)
        for _ in 0..<7 {
            #expect(refresh.timerFired(reachable: ["a"], now: refresh.wakeUp, random: 0) == .ask(.node("a")))
            now = Int64(refresh.wakeUp.uptimeNanoseconds / 1_000_000)
            refresh.triggered(.moved, now: Self.time(now), random: 0)
            #expect(refresh.answered(view, reachable: ["a"], now: Self.time(now), random: 0) == .wait)
            pauses.append(Int64(refresh.wakeUp.uptimeNanoseconds / 1_000_000) - now)
        }
        #expect(pauses == [1000, 2000, 4000, 8000, 15_000, 15_000, 15_000])
    }

    /// A slot may be lost and found between two looks: the view is as it was, but what a node has said of the slot no longer holds.
    @Test func aViewThatHasNotChangedCountsForASlotThatWasLost() throws {
        let view = try Self.view("a", "b")
        var refresh = Self.settled(view)
        for (trigger, action) in [(.uncoveredSlot, .adopt(view, slots: [])), (.moved, .wait)] as [(TopologyRefresh.Trigger, TopologyRefresh.Action)] {
            refresh.triggered(trigger, now: refresh.wakeUp, random: 0)
            #expect(refresh.timerFired(reachable: ["a"], now: refresh.wakeUp, random: 0) == .ask(.node("a")))
            #expect(refresh.answered(view, reachable: ["a"], now: refresh.wakeUp, random: 0) == action)
        }
    }

    @Test func changedSlotsAreNamed() throws {
        var refresh = Self.settled(try Self.view("a", "b"))
        let moved = try Self.view("b", "a", epoch: 2)
        _ = refresh.timerFired(reachable: ["a", "b"], now: Self.time(60_000), random: 0.9)
        guard case .adopt(let view, let slots) = refresh.answered(moved, reachable: [], now: Self.time(60_001), random: 0) else {
            Issue.record("the view is not adopted")
            return
        }
        #expect(view == moved && slots.count == 20)
    }

    /// Each is refused, another node is asked, then the seed.
    @Test func aStepBackIsNotBelieved() throws {
        let current = try Self.view("a", "b", epoch: 5)
        let worse = [
            try Self.view(epoch: 9), try Self.view("a", epoch: 4), try Self.view("a", "b", epoch: 5, isWhole: false),
            try Self.view("x", "y", epoch: 9),
        ]
        for view in worse {
            var refresh = Self.settled(current)
            #expect(refresh.timerFired(reachable: ["a", "b", "c"], now: Self.time(60_000), random: 0) == .ask(.node("a")))
            #expect(refresh.answered(view, reachable: ["a", "b", "c"], now: Self.time(60_001), random: 0) == .ask(.node("b")))
            #expect(refresh.failed(reachable: ["a", "b", "c"], now: Self.time(60_002), random: 0) == .ask(.seed))
            #expect(refresh.answered(current, reachable: [], now: Self.time(60_003), random: 0) == .wait)
            #expect(refresh.view == current)
        }
    }

    @Test func ifEverybodySaysThatItIsDownTheNewestViewWins() throws {
        var refresh = Self.settled(try Self.view("a", "b", epoch: 5))
        let (older, newer) = (try Self.view("a", epoch: 6, isWhole: false), try Self.view("b", epoch: 7, isWhole: false))
        _ = refresh.timerFired(reachable: ["a", "b"], now: Self.time(60_000), random: 0)
        #expect(refresh.answered(newer, reachable: ["a", "b"], now: Self.time(60_001), random: 0) == .ask(.node("b")))
        #expect(refresh.answered(older, reachable: ["a", "b"], now: Self.time(60_002), random: 0) == .ask(.seed))
        guard case .adopt(let view, _) = refresh.failed(reachable: [], now: Self.time(60_003), random: 0) else {
            Issue.record("the view is not adopted")
            return
        }
        #expect(view == newer)
    }

    @Test func anotherClusterIsTakenFromTheSeedIfNothingIsLeftOfThisOne() throws {
        let strange = try Self.view("x", epoch: 1)
        var refresh = Self.settled(try Self.view("a", epoch: 5))
        _ = refresh.timerFired(reachable: ["a"], now: Self.time(60_000), random: 0)
        #expect(refresh.failed(reachable: [], now: Self.time(60_001), random: 0) == .ask(.seed))
        guard case .adopt(let view, _) = refresh.answered(strange, reachable: [], now: Self.time(60_002), random: 0) else {
            Issue.record("the view is not adopted")
            return
        }
        #expect(view == strange)
    }

    @Test func theSeedIsAskedNowAndThen() throws {
        let view = try Self.view("a")
        var refresh = Self.settled(view)
        var sources: [TopologyRefresh.Action] = []
        for _ in 0..<20 {
            sources.append(refresh.timerFired(reachable: ["a"], now: refresh.wakeUp, random: 0))
            _ = refresh.answered(view, reachable: ["a"], now: refresh.wakeUp, random: 0)
        }
        #expect(sources.count { $0 == .ask(.seed) } == 2)
    }

    @Test func anAnswerThatNobodyWaitsForChangesNothing() throws {
        let view = try Self.view("a")
        var refresh = Self.settled(view)
        #expect(refresh.answered(try Self.view("b"), reachable: [], now: Self.time(1), random: 0) == .wait)
        #expect(refresh.failed(reachable: [], now: Self.time(1), random: 0) == .wait)
        #expect(refresh.view == view)
    }
}
