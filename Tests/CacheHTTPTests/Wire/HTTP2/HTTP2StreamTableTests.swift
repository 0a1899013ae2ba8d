import NIOHTTP2
import TestSupport
import Testing

@testable import HTTPWire

@Suite struct HTTP2StreamTableTests {
    private func stream(_ id: Int, isRequestOpen: Bool = false, openedAt: Int = 0) -> HTTP2StreamTable.Stream {
        HTTP2StreamTable.Stream(id: HTTP2StreamID(id), isRequestOpen: isRequestOpen, openedAt: openedAt)
    }

    @Test func bytesThatHaveNotLeftCountUntilTheStreamEnds() {
        var table = HTTP2StreamTable()
        table.open(self.stream(1))
        table.open(self.stream(3))
        table.wrote(100, isEnd: true, on: 1)
        table.wrote(50, isEnd: false, on: 3)
        #expect(table.unsentBytes == 150 && table.isAnswerDue)
        let resets = [table.sent(40, isEnd: false, on: 1), table.sent(60, isEnd: true, on: 1)]
        #expect(resets == [false, false] && table.unsentBytes == 50)
        // What the client resets goes with its answer.
        let (closed, again) = (table.close(3), table.close(3))
        #expect(closed?.unsentBytes == 50 && again == nil && table.unsentBytes == 0)
        #expect(!table.isEmpty && !table.isAnswerDue)
        table.wrote(10, isEnd: true, on: 3)
        let isReset = table.sent(10, isEnd: true, on: 3)
        #expect(!isReset && table.unsentBytes == 0, "it is gone")
        let last = table.close(1)
        #expect(last != nil && table.isEmpty && table.lastID == 3)
    }

    @Test func anAnswerBeforeTheEndOfItsRequestAsksForAReset() {
        var table = HTTP2StreamTable()
        table.open(self.stream(1, isRequestOpen: true))
        table.wrote(5, isEnd: true, on: 1)
        let isReset = table.sent(5, isEnd: true, on: 1)
        #expect(isReset)
        table.open(self.stream(3, isRequestOpen: true))
        table.requestEnded(3)
        table.wrote(5, isEnd: true, on: 3)
        let isWholeReset = table.sent(5, isEnd: true, on: 3)
        #expect(!isWholeReset)
    }

    @Test func requestsThatTakeTooLongAreFound() {
        var table = HTTP2StreamTable()
        for (id, time) in [(1, 10), (3, 20), (5, 30), (7, 30)] { table.open(self.stream(id, isRequestOpen: id != 3, openedAt: time)) }
        #expect(table.oldestOpenRequest == 10)
        #expect(table.requestsOpen(since: 20) == [1])
        table.wrote(1, isEnd: true, on: 1)
        #expect(table.oldestOpenRequest == 30 && table.requestsOpen(since: 30) == [5, 7], "an answered one waits for nothing")
    }

    @Test func streamsOfTheRouterAreCounted() {
        var table = HTTP2StreamTable()
        for id in [1, 3, 5] { table.open(self.stream(id, isRequestOpen: id == 5)) }
        for id in [1, 1, 5, 9] { table.route(HTTP2StreamID(id)) }
        #expect(table.routedCount == 2 && table.routedOpenCount == 1)
        _ = table.close(1)
        _ = table.close(5)
        #expect(table.routedCount == 0)
    }

    /// A stream is found whichever of its neighbours have gone.
    @Test func randomStreams() {
        var random = SplitMix64(seed: 20)
        var table = HTTP2StreamTable()
        var expected: Set<Int> = []
        for id in stride(from: 1, to: 2001, by: 2) {
            table.open(self.stream(id))
            expected.insert(id)
            while expected.count > 60 || Bool.random(using: &random), let gone = expected.randomElement(using: &random) {
                let closed = table.close(HTTP2StreamID(gone))
                #expect(closed != nil)
                expected.remove(gone)
            }
            let probe = Int.random(in: 0...id, using: &random) | 1
            #expect((table[HTTP2StreamID(probe)] != nil) == expected.contains(probe))
        }
    }
}
