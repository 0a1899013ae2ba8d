import MemoryStore
import RedisClient
import Testing

@testable import Cache
@testable import CacheAPI
@testable import Console

/// What the plots say of outages and replays, as traces of reports a second apart.
struct HistoryMarksTests {
    private static func time(_ milliseconds: Int64) -> MonotonicTime { MonotonicTime(milliseconds: milliseconds) }

    private static func report(
        _ state: OutageReport.State, since: Int64, outages: Int = 1, reason: OutageReason? = nil, replay: OutageReport.Replay? = nil
    ) -> OutageReport {
        OutageReport(
            state: state, since: self.time(since), reason: state == .connected ? nil : reason ?? .deadlines, isRedisAsked: state == .connected,
            journalKeys: 0, journalPatterns: 0, journalBytes: 0, journalOldest: nil, mustPurge: false, lastReplay: replay, outages: outages,
            failedAttempts: 0, journalOverflows: 0, replayedKeys: 0, replayedPatterns: 0, purges: 0, refusedKeys: [:], refusedPatterns: 0)
    }

    private static func replay(end: Int64, keys: Int, milliseconds: Int64 = 20) -> OutageReport.Replay {
        OutageReport.Replay(end: self.time(end), durationMilliseconds: milliseconds, keys: keys, patterns: 0, refused: 0, isPurge: false)
    }

    /// The marks after reports, one at each second from 1.
    private static func marks(_ reports: [OutageReport]) -> [HistoryMark] {
        var marks = HistoryMarks(start: self.time(0))
        for (index, report) in reports.enumerated() { marks.observe(report, now: self.time(Int64(index + 1) * 1000)) }
        return Array(marks.marks)
    }

    /// Kind, begin and end.
    private static func times(_ marks: [HistoryMark]) -> [String] {
        marks.map { "\($0.kind.rawValue) \($0.begin.milliseconds) \($0.end.map { "\($0.milliseconds)" } ?? "-")" }
    }

    private static let connected = report(.connected, since: 40, replay: replay(end: 40, keys: 0))

    @Test func theStartIsAMarkAndFindingRedisIsNone() {
        #expect(Self.times(Self.marks([Self.connected, Self.connected])) == ["start 0 0"])
        #expect(Self.times(Self.marks([Self.report(.outage, since: 0, reason: .starting), Self.connected])) == ["start 0 0"])
    }

    @Test func aRedisThatIsAwayAtTheStartIsAnOutage() throws {
        let marks = Self.marks([Self.report(.outage, since: 0, reason: .starting), Self.report(.outage, since: 0, reason: .failure(.notConnected))])
        #expect(Self.times(marks) == ["start 0 0", "outage 0 -"])
        #expect(marks[1].reason == "The connection to Redis was lost", "the latest reason")
    }

    @Test func anOutageLastsFromItsLossToItsReturn() {
        let away = Self.report(.outage, since: 1200, outages: 2)
        let marks = Self.marks([
            Self.connected, away, away, Self.report(.connected, since: 3500, outages: 2, replay: Self.replay(end: 3500, keys: 0)),
        ])
        #expect(Self.times(marks) == ["start 0 0", "outage 1200 3500"])
        #expect(marks[1].reason == "Redis does not answer in time")
    }

    @Test func anOutageBetweenTwoReportsIsSeen() {
        let back = Self.report(.connected, since: 1700, outages: 2, replay: Self.replay(end: 1700, keys: 3))
        let marks = Self.marks([Self.connected, back, back])
        #expect(Self.times(marks) == ["start 0 0", "replay 1680 1700", "outage 1000 1700"])
        #expect(marks[1].replayedKeys == 3)
    }

    @Test func aLongReplayIsSeenWhileItLasts() {
        let away = Self.report(.outage, since: 1200, outages: 2)
        let replaying = Self.report(.replay, since: 1200, outages: 2)
        let back = Self.report(.connected, since: 4100, outages: 2, replay: Self.replay(end: 4100, keys: 9000, milliseconds: 1300))
        #expect(Self.times(Self.marks([Self.connected, away, replaying])) == ["start 0 0", "outage 1200 -", "replay 3000 -"])
        let marks = Self.marks([Self.connected, away, replaying, replaying, back])
        #expect(Self.times(marks) == ["start 0 0", "outage 1200 4100", "replay 3000 4100"])
        #expect(marks[2].replayedKeys == 9000)
    }

    @Test func aReplayThatBreaksOffEnds() {
        let replaying = Self.report(.replay, since: 1200, outages: 2)
        let away = Self.report(.outage, since: 1200, outages: 2)
        let marks = Self.marks([Self.connected, away, replaying, away])
        #expect(Self.times(marks) == ["start 0 0", "outage 1200 -", "replay 3000 4000"])
        #expect(marks[2].replayedKeys == nil)
    }

    @Test func aChangedMarkIsSentAgain() {
        let away = Self.report(.outage, since: 1200, outages: 2)
        let marks = Self.marks([Self.connected, away, away, Self.report(.connected, since: 3500, outages: 2)])
        #expect(marks.map(\.number) == [0, 1])
        #expect(marks.map(\.changed.milliseconds) == [0, 4000])
        #expect(Self.marks([Self.connected, away, away])[1].changed.milliseconds == 2000, "nothing new in the third second")
    }

    @Test func aRedisThatComesAndGoesFillsNoMemory() {
        let reports = (0..<1000).map { number in
            number.isMultiple(of: 2)
                ? Self.report(.connected, since: Int64(number * 1000), outages: number / 2)
                : Self.report(.outage, since: Int64(number * 1000), outages: number / 2 + 1)
        }
        let marks = Self.marks(reports)
        #expect(marks.count == HistoryMarks.capacity)
        #expect(marks.last?.number == 500, "the start and 500 outages")
    }
}
