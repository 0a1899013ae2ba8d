import Testing

@testable import Cache

@Suite struct MissedDeadlinesTests {
    private static func miss(_ missed: inout MissedDeadlines, received: Int, now: Int) -> Bool { missed.missed(received: received, now: now) }

    @Test func someInARowMeanThatRedisIsAway() {
        var missed = MissedDeadlines(maximum: 3)
        for expected in [false, false, true] { #expect(Self.miss(&missed, received: 10, now: 1) == expected) }
    }

    @Test func anAnswerEndsTheRow() {
        var missed = MissedDeadlines(maximum: 2)
        #expect(!Self.miss(&missed, received: 0, now: 1))
        missed.answered()
        #expect(!Self.miss(&missed, received: 0, now: 1))
        #expect(Self.miss(&missed, received: 0, now: 1))
    }

    @Test func whoSendsMuchIsNotAway() {
        var missed = MissedDeadlines(maximum: 2)
        let much = MissedDeadlines.busyBytes
        for index in 0..<10 { #expect(!Self.miss(&missed, received: much + index, now: 100)) }
        // It goes on sending.
        for index in 0..<10 { #expect(!Self.miss(&missed, received: 2 * much + 9 + index, now: 100 + MissedDeadlines.busyTime)) }
        // It sends no more.
        let silent = 100 + 2 * MissedDeadlines.busyTime
        for expected in [false, true] { #expect(Self.miss(&missed, received: 2 * much + 18, now: silent) == expected) }
    }
}
