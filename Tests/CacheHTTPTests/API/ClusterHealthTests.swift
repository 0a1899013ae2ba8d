import MemoryStore
import NIOCore
import RedisClient
import Testing

@testable import Cache
@testable import CacheAPI

/// What `/health` says of a cluster, and that it says nothing of one where there is none.
@Suite struct ClusterHealthTests {
    private let now = MonotonicTime.now

    private func shard(
        _ index: Int, slots: Int, _ state: OutageReport.State, _ reason: OutageReason?, isAsked: Bool, forSeconds seconds: Int64 = 0
    ) -> ShardReport {
        var outage = OutageStateMachine(OutageSettings(), now: self.now).report
        outage.state = state
        outage.reason = reason
        outage.isRedisAsked = isAsked
        outage.since = self.now.advanced(byMilliseconds: -1000 * seconds)
        return ShardReport(index: index, slots: slots, outage: outage)
    }

    private func report(_ shards: [ShardReport], nodes: Int = 2) -> ClusterReport {
        ClusterReport(
            shards: shards, topology: TopologyReport(nodes: nodes, uncoveredSlots: 0, refreshes: 0, refusedViews: 0, triggers: [:]),
            redirects: RedirectCountersSnapshot())
    }

    private func text(_ cluster: ClusterReport?) -> String {
        var buffer = ByteBuffer()
        OutageText(now: self.now, wallClock: (seconds: 1_760_000_000, microseconds: 0))
            .write(OutageStateMachine(OutageSettings(), now: self.now).report, refusedCommands: [], cluster: cluster, into: &buffer)
        return String(buffer: buffer)
    }

    @Test func shardsWithTheirStatesAndReasons() {
        let cluster = self.report([
            self.shard(0, slots: 5461, .connected, nil, isAsked: true, forSeconds: 60),
            self.shard(1, slots: 5462, .outage, .failure(RedisFailure(.connectFailed, "10.0.0.7:6379 refuses")), isAsked: false),
            self.shard(4, slots: 5400, .replay, .deadlines, isAsked: true, forSeconds: 1),
            self.shard(5, slots: 61, .outage, .uncovered, isAsked: false, forSeconds: 2),
        ])
        let expected = #"""
            "refused_commands":[],"cluster":{"shards":[\#
            {"index":0,"state":"connected","reason":null,"since":"2025-10-09T08:52:20.000000","slots":5461},\#
            {"index":1,"state":"outage","reason":"connect_failed","since":"2025-10-09T08:53:20.000000","slots":5462},\#
            {"index":4,"state":"replay","reason":"deadline_exceeded","since":"2025-10-09T08:53:19.000000","slots":5400},\#
            {"index":5,"state":"outage","reason":"slots_uncovered","since":"2025-10-09T08:53:18.000000","slots":61}],\#
            "slots_served":0.6629,"nodes":2}}
            """#
        #expect(self.text(cluster).hasSuffix(expected), "\(self.text(cluster))")
    }

    /// Whoever looks for a whole cluster must not be told of one that is almost whole.
    @Test(arguments: [(0, "1.0"), (1, "0.99993"), (16_383, "0.00006"), (16_384, "0.0")])
    func theShareIsRoundedDown(_ missing: Int, _ expected: String) {
        let cluster = self.report([
            self.shard(0, slots: 16_384 - missing, .connected, nil, isAsked: true),
            self.shard(1, slots: missing, .outage, .uncovered, isAsked: false),
        ])
        #expect(self.text(cluster).hasSuffix(#""slots_served":\#(expected),"nodes":2}}"#))
    }

    @Test func aSingleRedisHasNone() {
        let text = self.text(nil)
        #expect(text.hasSuffix(#""last_replay":null,"refused_commands":[]}"#) && !text.contains("cluster"))
    }
}
