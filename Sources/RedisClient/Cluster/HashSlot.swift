/// The part of a cluster's key space that a key belongs to; each slot has one owner. See the cluster specification of Redis, "Key distribution model".
package struct HashSlot: Hashable, Comparable, Sendable {
    /// How many there are.
    package static let count = 16_384

    /// 0 to 16,383.
    package let index: UInt16

    /// - Parameter index: nil is returned for a number that is no slot.
    package init?(index: Int) {
        guard (0..<Self.count).contains(index) else { return nil }
        self.index = UInt16(index)
    }

    /// The slot of a key: CRC16 of what stands between the first `{` and the first `}` after it, or of the whole key if there is nothing between them.
    /// O(key length).
    package init(of key: Span<UInt8>) {
        let tag = Self.tag(of: key)
        self.index = CRC16.checksum(key.extracting(tag)) & UInt16(Self.count - 1)
    }

    private static func tag(of key: Span<UInt8>) -> Range<Int> {
        let whole = 0..<key.count
        guard let open = whole.first(where: { key[$0] == UInt8(ascii: "{") }) else { return whole }
        guard let close = (open + 1..<key.count).first(where: { key[$0] == UInt8(ascii: "}") }), close > open + 1 else { return whole }
        return open + 1..<close
    }

    package static func < (left: HashSlot, right: HashSlot) -> Bool { left.index < right.index }
}

/// CRC-16/XMODEM: polynomial 0x1021, nothing reflected, from zero. Eight bytes at a time (Kounavis and Berry, "A Systematic Approach to Building High
/// Performance, Software-based, CRC Generators", ISCC 2005).
enum CRC16 {
    /// Eight tables of 256: the remainder of a byte that is followed by 0 to 7 zero bytes.
    private static let tables: ContiguousArray<UInt16> = {
        var tables = ContiguousArray<UInt16>(repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var remainder = UInt16(byte) << 8
            for _ in 0..<8 { remainder = remainder & 0x8000 == 0 ? remainder << 1 : (remainder << 1) ^ 0x1021 }
            tables[byte] = remainder
        }
        for index in 256..<tables.count {
            let shorter = tables[index - 256]
            tables[index] = (shorter << 8) ^ tables[Int(shorter >> 8)]
        }
        return tables
    }()

    static func checksum(_ bytes: Span<UInt8>) -> UInt16 {
        let tables = self.tables
        var remainder: UInt16 = 0
        var index = 0
        while index + 8 <= bytes.count {
            let high = tables[7 * 256 + Int(bytes[index] ^ UInt8(truncatingIfNeeded: remainder >> 8))]
            let low = tables[6 * 256 + Int(bytes[index + 1] ^ UInt8(truncatingIfNeeded: remainder))]
            remainder = high ^ low
            for offset in 2..<8 { remainder ^= tables[(7 - offset) * 256 + Int(bytes[index + offset])] }
            index += 8
        }
        while index < bytes.count {
            remainder = (remainder << 8) ^ tables[Int(UInt8(truncatingIfNeeded: remainder >> 8) ^ bytes[index])]
            index += 1
        }
        return remainder
    }
}
