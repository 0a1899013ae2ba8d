import Bytes
import MemoryStore
import NIOCore
import TestSupport
import Testing

@testable import Cache
@testable import CacheAPI

/// Bodies, ids and keys, as text.
@Suite struct AnswerTextTests {
    private func text(_ write: (inout ByteBuffer) -> Void) -> String {
        var buffer = ByteBuffer()
        write(&buffer)
        return String(buffer: buffer)
    }

    private func line(_ write: (inout ByteCursor) -> Void) -> String {
        self.text { $0.append(maximumCount: 1024, write) }
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
        #expect(text(.hit(remainingMilliseconds: 56_501), .near) == "redis-caching-agent; hit; ttl=57; detail=near")
        #expect(text(.miss, .near) == "redis-caching-agent; fwd=miss; detail=near")
    }

    /// Any client of Redis may have written what a copy holds, be it answered while Redis is there or in an outage.
    @Test(arguments: [CacheSource.redis, .near, .outage]) func whatIsNotJSONIsQuotedOrRefused(_ source: CacheSource) {
        func body(_ value: [UInt8]) -> String? {
            let answer = Answer.lookup(ByteBuffer(string: "k"), .hit(.buffer(ByteBuffer(bytes: value)), remainingMilliseconds: nil, source))
            return answer.status == .ok ? self.line { answer.body.write(into: &$0) } : nil
        }
        #expect(body(Array("[1]".utf8))?.contains(":[1]") == true)
        #expect(body(Array("a \"b".utf8))?.contains(#":"a \"b""#) == true)
        #expect(body([0xff]) == nil)
    }

    /// Each way in which a connection can stand to its copies, as `/health` says it.
    @Test(arguments: [
        (NearStanding.tracking, #"{"coherence":"tracking","reason":null,"entries":3,"bytes":512}"#),
        (.timeToLive, #"{"coherence":"ttl","reason":null,"entries":3,"bytes":512}"#),
        (.away, #"{"coherence":"off","reason":"Redis is away","entries":3,"bytes":512}"#),
        (.silent, #"{"coherence":"off","reason":"Redis does not answer","entries":3,"bytes":512}"#),
        (.refused, #"{"coherence":"off","reason":"Redis does not permit CLIENT TRACKING, or speaks RESP2","entries":3,"bytes":512}"#),
    ])
    func healthOfCopies(_ standing: NearStanding, _ expected: String) {
        var memory = MemoryStatistics()
        (memory.entries, memory.bytes) = (3, 512)
        #expect(self.text { NearCacheText.write(NearCacheReport(standing: standing, mode: .auto, memory: memory), into: &$0) } == expected)
    }

    @Test func madeIdsDiffer() {
        var generator = RequestIDGenerator()
        let ids = (0..<1000).map { _ in self.line { generator.next().write(into: &$0) } }
        #expect(Set(ids).count == 1000)
        #expect(ids.allSatisfy { $0.wholeMatch(of: #/[0-9a-f]{32}/#) != nil })
    }
}
