import Foundation
import NIOCore
import TestSupport
import Testing

@testable import Bytes

/// Numbers and dates against what Foundation and the standard library make of them.
@Suite struct BytesTests {
    private func text(_ write: (inout ByteCursor) -> Void) -> String { String(maximumByteCount: 64, write) }

    @Test func datesAgreeWithFoundation() {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "UTC")
        var random = SplitMix64(seed: 7)
        let special = [0, 951_782_399, 951_782_400, 4_107_542_399, 1_709_164_800, 68_169_600]
        for seconds in special + (0..<2000).map({ _ in Int.random(in: 0...7_258_118_400, using: &random) }) {
            let date = Date(timeIntervalSince1970: Double(seconds))
            let time = CivilTime(secondsSince1970: seconds)
            formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
            #expect(self.text { time.writeHTTPDate(into: &$0) } == formatter.string(from: date))
            formatter.dateFormat = "yyyy-MM-dd'T'HH:mm:ss'.000042'"
            #expect(self.text { time.writeISO8601(microseconds: 42, into: &$0) } == formatter.string(from: date))
            formatter.dateFormat = "HH:mm:ss'.007'"
            #expect(self.text { time.writeTimeOfDay(milliseconds: 7, into: &$0) } == formatter.string(from: date))
        }
    }

    @Test func decimals() {
        for number in [0, 1, 9, 10, 99, 100, 12_345, Int.max, Int.min, -1, -10, -12_345] {
            var buffer = ByteBuffer(string: "n=")
            buffer.appendDecimal(number)
            #expect(String(buffer: buffer) == "n=\(number)")
            #expect(DecimalDigits.count(UInt64(number.magnitude)) == "\(number.magnitude)".count)
        }
        #expect(DecimalDigits.count(.max) == DecimalDigits.maximumCount)
        #expect(self.text { $0.appendDigits(42, count: 5) } == "00042")
        #expect(self.text { $0.appendDigits(12_345, count: 2) } == "45")
        #expect(self.text { $0.appendSeconds(nanoseconds: 12_345) } == "0.000012345")
        #expect(self.text { $0.appendSeconds(nanoseconds: 3_000_000_001) } == "3.000000001")
        #expect(self.text { $0.appendSeconds(nanoseconds: -1) } == "0.000000000")
    }

    /// With zeros in front, without, and with fewer digits than there are.
    @Test func digitsOfManyNumbers() {
        var random = SplitMix64(seed: 10)
        let edges = (0..<8).flatMap { place in (0...9).map { digit in digit * (0..<place).reduce(1) { power, _ in power * 10 } } }
        let lengths = (0..<5000).map { _ in Int(random.next() >> (random.next() % 63 + 1)) }
        for number in edges + [9_999, 10_000, 99_999_999, 100_000_000, .max] + lengths {
            let digits = "\(number)"
            #expect(self.text { $0.appendDecimal(number) } == digits)
            let padded = String(repeating: "0", count: 20 - digits.count) + digits
            for count in 0...20 { #expect(self.text { $0.appendDigits(UInt(number), count: count) } == padded.suffix(count)) }
        }
    }

    @Test func hexadecimals() {
        #expect(self.text { $0.appendHexadecimal(0x0123_4567_89ab_cdef) } == "0123456789abcdef")
        #expect(Hexadecimal.text(0x0123_4567_89ab_cdef) == "0123456789abcdef")
        var random = SplitMix64(seed: 16)
        for _ in 0..<1000 {
            let number = random.next()
            let digits = String(number, radix: 16)
            #expect(Hexadecimal.text(number) == String(repeating: "0", count: 16 - digits.count) + digits)
        }
        #expect(Hexadecimal.text([0x00, 0x0F, 0xA5]) == "000fa5")
        for byte in UInt8.min...UInt8.max {
            let digit = String(decoding: [byte], as: UTF8.self)
            #expect(Hexadecimal.value(of: byte) == (byte < 0x80 ? Character(digit).hexDigitValue.map { UInt8($0) } : nil))
            #expect(Hexadecimal.valueOfLowercase(byte) == (digit == digit.lowercased() ? Hexadecimal.value(of: byte) : nil))
            #expect(Hexadecimal.bytes(Hexadecimal.text([byte]).uppercased()) == [byte])
        }
        #expect(Hexadecimal.bytes("") == [])
        for wrong in ["0", "012", "0g", "+1", "-0", " 1", "é"] { #expect(Hexadecimal.bytes(wrong) == nil, "\(wrong)") }
    }

    @Test func aCursorKnowsWhatItWrote() {
        withUnsafeTemporaryAllocation(byteCount: 16, alignment: 1) { memory in
            var cursor = ByteCursor(memory)
            cursor.append("ab")
            cursor.append(ByteBuffer(string: "cd"))
            cursor.append(UInt8(ascii: "e"))
            cursor.append(UnsafeRawBufferPointer(start: nil, count: 0))
            #expect(cursor.count == 5)
            #expect(Array(cursor.written) == Array("abcde".utf8))
        }
    }

    /// The bit tricks against what they stand for, with each byte at each place among neighbours of several kinds.
    @Test func words() {
        for neighbour: UInt8 in [0x61, 0x20, 0x7F, 0x80, 0xBF, 0xC0, 0xFF] {
            for place in 0..<8 {
                for byte in UInt8.min...UInt8.max {
                    var bytes = [UInt8](repeating: neighbour, count: 8)
                    bytes[place] = byte
                    let word = ByteWord(bytes.span.bytes, at: 0)
                    #expect(word.firstByteOutsideASCII == bytes.firstIndex { $0 >= 0x80 })
                    #expect(word.scalarStarts == bytes.count { $0 & 0xC0 != 0x80 })
                }
            }
        }
    }
}
