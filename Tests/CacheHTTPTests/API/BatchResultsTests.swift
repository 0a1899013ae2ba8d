import Bytes
import Cache
import Foundation
import MemoryStore
import NIOCore
import Testing

@testable import CacheAPI

/// What a batch is answered, and how it is written.
@Suite struct BatchResultsTests {
    private static func operation(_ kind: BatchOperation.Kind, _ key: String) -> BatchOperation { BatchOperation(kind, key: ByteBuffer(string: key)) }

    private static func hit(_ value: String, _ source: CacheSource = .redis) -> BatchOutcome {
        .answered(.hit(.buffer(ByteBuffer(string: value)), remainingMilliseconds: nil, source))
    }

    private static let set = BatchOperation.Kind.set(value: ByteBuffer(string: "1"), ttlSeconds: 60)

    private static let all: [(BatchOperation, BatchOutcome)] = [
        (operation(.get, "a"), hit(#"{"x":1}"#)), (operation(.get, "q\"\n"), .answered(.miss(.redis))),
        (BatchOperation(.get, key: ByteBuffer(string: "t"), wantsEntityTag: true), hit(#"{"x":2}"#)),
        (operation(set, "b"), .answered(.stored(.redis))),
        (operation(.delete, "c"), .answered(.deleted(.redis))), (operation(.delete, "d"), .answered(.miss(.redis))),
        (operation(set, "e"), .answered(.refused(.outOfMemory, .redis))), (operation(.get, "f"), hit("not JSON")),
        (operation(.get, "g"), .answered(.refused(.notReadable, .redis))), (operation(.get, "h"), .valueDropped(.redis)),
    ]

    /// The digits of the tag of `{"x":2}`.
    private static let tag = EntityTag(.buffer(ByteBuffer(string: #"{"x":2}"#))).text.filter { $0 != "\"" }

    private func results(_ pairs: [(BatchOperation, BatchOutcome)], maximumBytes: Int = 1 << 20) -> BatchResults {
        BatchResults(pairs.map(\.0), pairs.map(\.1), maximumBytes: maximumBytes)
    }

    private func text(_ results: BatchResults) -> String {
        var buffer = ByteBuffer()
        buffer.append(maximumCount: results.count) { AnswerBody.batch(results).write(into: &$0) }
        #expect(buffer.readableBytes == results.count)
        return String(buffer: buffer)
    }

    @Test func everyResultIsTheSingleAnswerWithItsStatusBeforeIt() {
        #expect(
            text(self.results(Self.all)) == #"{"results":[{"status":200,"success":true,"key":"a","value":{"x":1}},"#
                + #"{"status":404,"key":"q\"\n","detail":"Key not found"},"#
                + #"{"status":200,"success":true,"key":"t","value":{"x":2},"etag":"\"\#(Self.tag)\""},"#
                + #"{"status":200,"success":true,"key":"b","message":"Value cached successfully with TTL: 60"},"#
                + #"{"status":200,"success":true,"key":"c","message":"Key deleted successfully"},{"status":404,"key":"d","detail":"Key not found"},"#
                + #"{"status":507,"key":"e","detail":"The cache is out of memory"},{"status":200,"success":true,"key":"f","value":"not JSON"},"#
                + #"{"status":415,"key":"g","detail":"The key does not hold a text value"},"#
                + #"{"status":413,"key":"h","detail":"The answer to the batch is too large; ask for fewer values at once"}]}"#)
        #expect(text(self.results([])) == #"{"results":[]}"#)
    }

    @Test(arguments: 1...400) func piecesAreTheWhole(_ pieceBytes: Int) {
        let whole = self.results(Self.all)
        var writer = BatchAnswerWriter(whole)
        var buffer = ByteBuffer()
        var rounds = 0
        while !writer.isFinished, rounds <= whole.count {
            let before = (written: buffer.readableBytes, remaining: writer.remainingCount)
            writer.writePiece(of: pieceBytes, into: &buffer)
            #expect(buffer.readableBytes - before.written == before.remaining - writer.remainingCount)
            rounds += 1
        }
        #expect(String(buffer: buffer) == text(whole))
    }

    /// A length that is not that of the body takes the beginning of the next answer, or waits for it.
    @Test func whateverCameOfAnOperationTheLengthIsRight() throws {
        let value = CachedValue.buffer(ByteBuffer(string: "1"))
        let refusals: [CacheRefusal] = [
            .outOfMemory, .valueTooLargeForStore, .valueTooLargeForRedis, .timeToLiveRequired, .notPermitted, .notReadable,
        ]
        let outcomes: [BatchOutcome] =
            [.answered(.hit(value, remainingMilliseconds: 1, .near)), .valueDropped(.redis), .waiting]
            + ([.miss(.redis), .stored(.redis), .deleted(.redis), .conflict(.redis), .unavailable(.outage)] as [CacheAnswer]).map { .answered($0) }
            + refusals.map { .answered(.refused($0, .redis)) }
        for kind in [.get, Self.set, .delete, .expire(ttlSeconds: 60), .expire(ttlSeconds: nil)] as [BatchOperation.Kind] {
            for outcome in outcomes {
                let text = self.text(self.results([(Self.operation(kind, "a"), outcome), (Self.operation(.get, "b"), .answered(.miss(.redis)))]))
                let document = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: [[String: Any]]]
                let results = try #require(document?["results"])
                #expect(results.count == 2 && results.allSatisfy { $0["status"] is Int && $0["key"] is String }, "\(text)")
            }
        }
    }

    @Test func onlyValuesAreCut() {
        let value = "\"" + String(repeating: "v", count: 100_000) + "\""
        var writer = BatchAnswerWriter(
            self.results([(Self.operation(.get, "a"), Self.hit(value)), (Self.operation(.get, "b"), .answered(.miss(.redis)))]))
        var pieces: [Int] = []
        while !writer.isFinished {
            var buffer = ByteBuffer()
            writer.writePiece(of: 16_384, into: &buffer)
            pieces.append(buffer.readableBytes)
        }
        #expect(pieces.count == 7 && pieces.allSatisfy { $0 <= 16_384 + 200 })
    }

    @Test func fromTheFirstValueThatDoesNotFitOnValuesAreRefused() {
        let pairs = [
            (Self.operation(.get, "a"), Self.hit("1111")), (Self.operation(.get, "b"), Self.hit(#""\#(String(repeating: "x", count: 1000))""#)),
            (Self.operation(.get, "c"), Self.hit("1")), (Self.operation(Self.set, "d"), .answered(.stored(.redis))),
        ]
        let results = self.results(pairs, maximumBytes: 600)
        let statuses = text(results).ranges(of: "\"status\":").map { String(text(results)[$0.upperBound...].prefix(3)) }
        #expect(statuses == ["200", "413", "413", "200"])
        #expect(results.tooLargeCount == 2)
    }

    /// The bound is exact: a value that just fits is there.
    @Test func theBoundIsInclusive() {
        let pairs = [(Self.operation(.get, "a"), Self.hit("1")), (Self.operation(.get, "b"), Self.hit("2"))]
        let count = self.results(pairs).count
        #expect(self.results(pairs, maximumBytes: count).tooLargeCount == 0)
        #expect(self.results(pairs, maximumBytes: count - 1).tooLargeCount == 1)
    }

    @Test func theFieldsSayWhatAllResultsHaveInCommon() {
        func status(_ sources: [CacheSource]) -> (status: String, isDegraded: Bool) {
            let answer = Answer.batch(self.results(sources.map { (Self.operation(.get, "a"), .answered(.miss($0))) }))
            var buffer = ByteBuffer()
            buffer.append(maximumCount: 200) { answer.cacheStatus?.write(into: &$0) }
            return (String(buffer: buffer), answer.isDegraded)
        }
        #expect(status([.redis, .redis]) == ("redis-caching-agent; fwd=method; detail=redis", false))
        #expect(status([.outage, .outage]) == ("redis-caching-agent; fwd=method; detail=outage", true))
        #expect(status([.redis, .near, .redis]) == ("redis-caching-agent; fwd=method", false))
        #expect(status([.redis, .outage]) == ("redis-caching-agent; fwd=method", true))
        #expect(status([]) == ("redis-caching-agent; fwd=method", false))
    }

    @Test func whatCameOfEachOperationIsCounted() {
        var counted: [String] = []
        _ = BatchResults(Self.all.map(\.0), Self.all.map(\.1), maximumBytes: 1 << 20) { operation, source, result, count in
            counted.append("\(operation) \(source) \(result) \(count)")
        }
        #expect(
            counted == [
                "get redis hit 1", "get redis miss 1", "get redis hit 1", "set redis stored 1", "delete redis deleted 1", "delete redis miss 1",
                "set redis refused 1",
                "get redis hit 1", "get redis refused 1", "get redis hit 1",
            ])
    }
}
