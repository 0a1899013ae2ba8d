import NIOCore
import Testing

@testable import Cache

@Suite struct RecentWritesTests {
    private let second = 1_000_000_000

    private func keys(_ recent: inout RecentWrites) -> [String]? {
        recent.takeAll().map { $0.map { String(decoding: $0, as: UTF8.self) } }
    }

    @Test func whatWasWrittenWithinTheSpanIsKept() {
        var recent = RecentWrites(span: .seconds(2), maximumBytes: 1000)
        for (key, time) in [("old", 10), ("a", 20), ("b", 21), ("c", 22), ("d", 23), ("e", 24)] {
            recent.record(ByteBuffer(string: key), now: time * self.second)
        }
        #expect(self.keys(&recent) == ["c", "d", "e"])
        #expect(self.keys(&recent) == [])
    }

    /// After a pause, what was written before it is old.
    @Test func aPause() {
        var recent = RecentWrites(span: .seconds(2), maximumBytes: 1000)
        recent.record(ByteBuffer(string: "a"), now: 20 * self.second)
        recent.record(ByteBuffer(string: "b"), now: 23 * self.second)
        #expect(self.keys(&recent) == ["a", "b"], "less than twice the span")
        recent.record(ByteBuffer(string: "c"), now: 30 * self.second)
        #expect(self.keys(&recent) == ["c"])
    }

    @Test func tooManyToBeKept() {
        var recent = RecentWrites(span: .seconds(2), maximumBytes: 20)
        for time in [20, 21] { recent.record(ByteBuffer(string: "abcdef"), now: time * self.second) }
        recent.record(ByteBuffer(string: "x"), now: 22 * self.second)
        #expect(recent.report.overflows == 1)
        #expect(self.keys(&recent) == nil)
        #expect(self.keys(&recent) == [])
        recent.record(ByteBuffer(string: "y"), now: 23 * self.second)
        #expect(self.keys(&recent) == ["y"])
    }

    @Test func noSpanKeepsNothing() {
        var recent = RecentWrites(span: .zero, maximumBytes: 10)
        recent.record(ByteBuffer(string: "abc"), now: 5)
        #expect(self.keys(&recent) == [])
    }

    /// Both buffers together: the one being filled and the one before it.
    @Test func whatIsKeptStaysWithinTheBound() {
        var recent = RecentWrites(span: .seconds(2), maximumBytes: 1000)
        for number in 0..<10_000 {
            recent.record(ByteBuffer(string: "key:\(number)"), now: 20 * self.second + number * self.second / 1000)
            #expect(recent.report.bytes <= 1000)
        }
        #expect(recent.report.maximumBytes == 1000)
        #expect(recent.report.overflows == 5, "once in each span of two seconds")
    }
}
