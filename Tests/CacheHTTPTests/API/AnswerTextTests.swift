import Cache
import Foundation
import NIOCore
import TestSupport
import Testing

@testable import CacheHTTP

/// Dates, numbers, ids and keys, as text.
@Suite struct AnswerTextTests {
    private func text(_ write: (inout ByteBuffer) -> Void) -> String {
        var buffer = ByteBuffer()
        write(&buffer)
        return String(buffer: buffer)
    }

    private func line(_ write: (inout ByteCursor) -> Void) -> String {
        self.text { $0.append(maximumCount: 1024, write) }
    }

    @Test func datesAgreeWithFoundation() {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "UTC")
        var random = SplitMix64(seed: 7)
        let special = [0, 951_782_399, 951_782_400, 4_107_542_399, 1_709_164_800, 68_169_600]
        for seconds in special + (0..<2000).map({ _ in Int.random(in: 0...7_258_118_400, using: &random) }) {
            let date = Date(timeIntervalSince1970: Double(seconds))
            formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
            #expect(self.line { CivilTime(secondsSince1970: seconds).writeHTTPDate(into: &$0) } == formatter.string(from: date))
            formatter.dateFormat = "yyyy-MM-dd'T'HH:mm:ss'.000042'"
            #expect(self.line { CivilTime(secondsSince1970: seconds).writeISO8601(microseconds: 42, into: &$0) } == formatter.string(from: date))
        }
    }

    @Test func numbers() {
        for number in [0, 1, 9, 10, 99, 100, 12_345, Int.max, -1, -10, -12_345] {
            #expect(self.text { $0.appendDecimal(number) } == "\(number)")
        }
        #expect(self.line { $0.appendSeconds(nanoseconds: 12_345) } == "0.000012345")
        #expect(self.line { $0.appendSeconds(nanoseconds: 3_000_000_001) } == "3.000000001")
        #expect(self.line { $0.appendSeconds(nanoseconds: -1) } == "0.000000000")
        #expect(self.line { $0.appendHex(0x0123_4567_89ab_cdef) } == "0123456789abcdef")
        #expect(self.text { JSONWriter.writeDecimal(6225, scale: 2, into: &$0) } == "62.25")
        #expect(self.text { JSONWriter.writeDecimal(5000, scale: 2, into: &$0) } == "50.0")
        #expect(self.text { JSONWriter.writeDecimal(5, scale: 2, into: &$0) } == "0.05")
        #expect(self.text { JSONWriter.writeDecimal(0, scale: 2, into: &$0) } == "0.0")
    }

    /// The length that a body promises is the length that it writes, whatever the key.
    @Test func bodyLengths() {
        var random = SplitMix64(seed: 11)
        for _ in 0..<2000 {
            let scalars = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                Bool.random(using: &random)
                    ? UnicodeScalar(UInt8.random(in: 0...127, using: &random))
                    : (UnicodeScalar(UInt32.random(in: 128...0xd7ff, using: &random)) ?? "x")
            }
            var text = String.UnicodeScalarView()
            text.append(contentsOf: scalars)
            let key = ByteBuffer(string: String(text))
            let bodies: [AnswerBody] = [
                .value(key: key, .buffer(ByteBuffer(string: "[1]"))), .stored(key: key, ttlSeconds: nil), .stored(key: key, ttlSeconds: 315_360_000),
                .deleted(key: key), .detail("Key not found"), .prepared(key),
            ]
            for body in bodies { #expect(self.line { body.write(into: &$0) }.utf8.count == body.count) }
        }
    }

    @Test func percentDecoding() {
        func decode(_ text: String) -> [UInt8]? {
            PercentDecoding.decode(ByteBuffer(string: text)).map { Array($0.readableBytesView) }
        }
        #expect(decode("a%2Fb") == Array("a/b".utf8))
        #expect(decode("%2525") == Array("%25".utf8), "decoded once")
        #expect(decode("a+b") == Array("a+b".utf8))
        #expect(decode("%fF%00") == [0xff, 0])
        #expect(decode("") == [])
        for broken in ["%", "%4", "%4g", "a%", "%%41"] { #expect(decode(broken) == nil) }
    }

    @Test func cacheStatus() {
        func text(_ outcome: CacheStatus.Outcome, _ source: CacheSource) -> String {
            self.line { CacheStatus(outcome: outcome, source: source).write(into: &$0) }
        }
        #expect(text(.hit(remainingMilliseconds: 56_501), .memory) == "redis-caching-agent; hit; ttl=57; detail=memory")
        for (milliseconds, seconds) in [(56_499, 56), (56_500, 57), (499, 0), (500, 1), (0, 0), (Int64.max, Int64.max / 1000)] {
            #expect(text(.hit(remainingMilliseconds: milliseconds), .memory).contains("; ttl=\(seconds);"), "\(milliseconds)")
        }
        #expect(text(.stored, .memory) == "redis-caching-agent; fwd=method; stored; detail=memory")
        #expect(text(.deleted, .memory) == "redis-caching-agent; fwd=method; detail=memory")
        #expect(text(.refused, .redis) == "redis-caching-agent; fwd=bypass; detail=redis")
        #expect(text(.hit(remainingMilliseconds: nil), .redis) == "redis-caching-agent; hit; detail=redis")
        #expect(text(.miss, .outage) == "redis-caching-agent; fwd=miss; detail=outage")
    }

    @Test func madeIdsDiffer() {
        var generator = RequestIDGenerator()
        let ids = (0..<1000).map { _ in self.line { generator.next().write(into: &$0) } }
        #expect(Set(ids).count == 1000)
        #expect(ids.allSatisfy { $0.wholeMatch(of: #/[0-9a-f]{32}/#) != nil })
    }
}
