import NIOCore
import TestSupport
import Testing

@testable import RESP

@Suite
struct RESPDecoderPropertyTests {
    @Test("random nested values come back from any pieces", arguments: 0..<200 as Range<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var values: [RESPValue] = []
        var wire = ByteBuffer()
        for _ in 0..<Int.random(in: 1...8, using: &random) {
            let value = Self.value(depth: Int.random(in: 0...6, using: &random), isTopLevel: true, &random)
            values.append(value)
            RESPTestEncoder.write(value, into: &wire)
        }
        let longest = Int.random(in: 1...40, using: &random)
        var pieces: [Int] = []
        while pieces.reduce(0, +) < wire.readableBytes {
            pieces.append(Int.random(in: 1...longest, using: &random))
        }
        #expect(try RESPDripFeed.decode(wire, pieces: pieces) == values, "seed \(seed)")
    }

    @Test("random bytes never crash, and pieces do not change the verdict", arguments: 0..<300 as Range<UInt64>)
    func garbage(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let alphabet = Array("+-:$*_#,(!=%~>|0123456789\r\n\r\n\r\nOKtf".utf8)
        let wire = ByteBuffer(bytes: (0..<60).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &random)] })
        let whole = Result { () throws(RESPError) in try RESPDripFeed.whole(wire) }
        let split = Result { () throws(RESPError) in try RESPDripFeed.byteByByte(wire) }
        #expect(whole == split, "seed \(seed)")
    }

    @Test("a push of 10,000 keys")
    func bigPush() throws {
        let keys = (0..<10_000).map { RESPValue.bulkString(ByteBuffer(string: "key:\($0)")) }
        let push = RESPValue.push([.bulkString(ByteBuffer(string: "invalidate")), .array(keys)])
        #expect(try RESPDripFeed.decode(RESPTestEncoder.encode(push), pieces: repeatElement(1000, count: 200)) == [push])
    }

    /// The structural argument for linear work: what the decoder has taken leaves the buffer at once, so it cannot look at it again. Never more than
    /// one unfinished element is left, and of an unfinished line `scanned` is the part that is not looked at again (checked by
    /// `lineIsNotScannedAgain`).
    @Test("an array of 10,000 elements byte by byte leaves at most one element to look at")
    func linearArray() throws {
        let array = RESPValue.array((0..<10_000).map { .bulkString(ByteBuffer(string: "value:\($0)")) })
        let wire = RESPTestEncoder.encode(array)
        var decoder = RESPDecoder()
        var buffer = ByteBuffer()
        var decoded: RESPValue?
        var longestRest = 0
        for byte in wire.readableBytesView {
            buffer.writeInteger(byte)
            decoded = try decoder.next(&buffer)
            longestRest = max(longestRest, buffer.readableBytes)
            if buffer.readableBytes == 0 {
                // Memory of its own for the next element; else every write would copy what the elements before share.
                buffer = ByteBuffer()
            }
        }
        #expect(decoded == array)
        #expect(longestRest <= "value:9999\r\n".utf8.count)
    }

    @Test("the scanned part of a line is not looked at again")
    func lineIsNotScannedAgain() throws {
        var decoder = RESPDecoder()
        var buffer = ByteBuffer(string: "+abc")
        #expect(try decoder.next(&buffer) == nil)
        // A decoder that scanned from the start would stop at this line feed; it breaks the contract only to be seen.
        buffer.setInteger(UInt8(ascii: "\n"), at: 2)
        buffer.writeString("d\r\n")
        #expect(try decoder.next(&buffer) == .simpleString(ByteBuffer(string: "a\ncd")))
    }

    private static func value(depth: Int, isTopLevel: Bool = false, _ random: inout SplitMix64) -> RESPValue {
        guard depth > 0 else {
            return self.scalar(&random)
        }
        let count = Int.random(in: 0...4, using: &random)
        let elements = (0..<count * 2).map { _ in self.value(depth: Int.random(in: 0..<depth, using: &random), &random) }
        switch Int.random(in: 0..<(isTopLevel ? 4 : 3), using: &random) {
        case 0: return .array(Array(elements.prefix(count)))
        case 1: return .map(elements)
        case 2: return .set(Array(elements.prefix(count)))
        default: return .push(Array(elements.prefix(count)))
        }
    }

    private static func scalar(_ random: inout SplitMix64) -> RESPValue {
        switch Int.random(in: 0..<10, using: &random) {
        case 0: .null
        case 1: .simpleOK
        case 2: .simpleString(self.text(&random))
        case 3: .error(self.text(&random))
        case 4: .integer(Int64.random(in: .min ... .max, using: &random))
        case 5: .boolean(Bool.random(using: &random))
        case 6: .double(Double.random(in: -1e9...1e9, using: &random))
        case 7: .bigNumber(ByteBuffer(string: "\(UInt64.random(in: 0 ... .max, using: &random))123456789"))
        case 8: .verbatimString(ByteBuffer(string: "txt:\(Int.random(in: 0...1000, using: &random))"))
        default: .bulkString(ByteBuffer(bytes: (0..<Int.random(in: 0...100, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }))
        }
    }

    private static func text(_ random: inout SplitMix64) -> ByteBuffer {
        ByteBuffer(bytes: "x".utf8 + (0..<Int.random(in: 0...30, using: &random)).map { _ in UInt8.random(in: 0x20...0x7E, using: &random) })
    }
}
