package import Bytes
package import NIOCore
import Synchronization

/// The id of a request: the client's `X-Request-Id` if it can be used, else that of its trace, else one made here.
///
/// A usable id is 1 to 128 bytes of letters, digits and `-_.:/+=@`, so that it can stand in a header, in JSON and in a log line as it is.
package enum RequestID {
    case received(ByteBuffer)
    case made(high: UInt64, low: UInt64)

    package static let maximumCount = 128

    /// Whether the bytes of `range` may serve as an id.
    package static func isUsable(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Bool {
        guard !range.isEmpty, range.count <= self.maximumCount else { return false }
        for index in range where !self.isAllowed(bytes[index]) { return false }
        return true
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: ":"), UInt8(ascii: "/"), UInt8(ascii: "+"), UInt8(ascii: "="),
            UInt8(ascii: "@"):
            true
        default: false
        }
    }

    /// Appends the id: as received, or 32 hexadecimal digits.
    package func write(into cursor: inout ByteCursor) {
        switch self {
        case .received(let id): cursor.append(id)
        case .made(let high, let low):
            cursor.appendHexadecimal(high)
            cursor.appendHexadecimal(low)
        }
    }
}

/// Makes request ids: xorshift128+ (Vigna 2017), seeded by the system. Ids are for finding a log line, not secrets.
package struct RequestIDGenerator {
    private var first: UInt64
    private var second: UInt64

    package init() {
        var system = SystemRandomNumberGenerator()
        self.first = system.next() | 1
        self.second = system.next()
    }

    package mutating func next() -> RequestID {
        .made(high: self.step(), low: self.step())
    }

    private mutating func step() -> UInt64 {
        var x = self.first
        let y = self.second
        self.first = y
        x ^= x << 23
        self.second = x ^ y ^ (x >> 17) ^ (y >> 26)
        return self.second &+ y
    }
}

/// Makes request ids for any thread: SplitMix64 over a shared count (Steele, Lea, Flood 2014), with a seed per process. One atomic addition.
package final class SharedRequestIDs: Sendable {
    private let count = Atomic<UInt64>(0)
    private let seed: UInt64
    private let high: UInt64

    package init() {
        var system = SystemRandomNumberGenerator()
        self.seed = system.next()
        self.high = system.next()
    }

    package func next() -> RequestID {
        let step = self.count.wrappingAdd(1, ordering: .relaxed).newValue
        return .made(high: self.high, low: Self.mix(self.seed &+ step &* 0x9e37_79b9_7f4a_7c15))
    }

    private static func mix(_ value: UInt64) -> UInt64 {
        var mixed = value
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
