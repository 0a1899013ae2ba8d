import Bytes
import Cache
import CacheAPI
import NIOCore
import Testing

/// Bodies that are written in pieces are those that are written at once.
@Suite struct AnswerBodyWriterTests {
    private static let key = ByteBuffer(string: "a\"b")
    private static let value = CachedValue.buffer(ByteBuffer(string: "\"" + String(repeating: "v", count: 300) + "\""))

    private static let bodies: [AnswerBody] = [
        .value(key: Self.key, Self.value), .value(key: Self.key, .buffer(ByteBuffer(string: "1"))), .bytes(Self.value),
        .bytes(.buffer(ByteBuffer())), .stored(key: Self.key, ttlSeconds: 7), .prepared(ByteBuffer(string: "ready")), .detail("Not Found"),
        .batch(BatchResults([], [], maximumBytes: 1000) { _, _, _, _ in }),
    ]

    private func whole(_ body: AnswerBody) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.append(maximumCount: body.count) { body.write(into: &$0) }
        return buffer
    }

    @Test(arguments: 1...400) func thePiecesAreTheWhole(_ pieceBytes: Int) {
        for body in Self.bodies {
            var writer = AnswerBodyWriter(body)
            var written = ByteBuffer()
            #expect(writer.remainingCount == body.count)
            while let piece = writer.next(maximumBytes: pieceBytes), written.readableBytes <= body.count {
                #expect(piece.readableBytes > 0)
                written.writeImmutableBuffer(piece)
                #expect(writer.remainingCount == body.count - written.readableBytes)
            }
            #expect(written == self.whole(body))
        }
    }

    @Test func aValueIsCut() {
        var writer = AnswerBodyWriter(.value(key: Self.key, Self.value))
        var pieces: [Int] = []
        while let piece = writer.next(maximumBytes: 100) { pieces.append(piece.readableBytes) }
        #expect(pieces.count == 4 && pieces.allSatisfy { $0 <= 100 + 50 })
    }
}
