import NIOCore

/// A place in memory where text is written, front to back: what an answer is made with.
///
/// One capacity check and one move of the buffer's index for a whole answer, instead of one for each of its thirty pieces.
/// Every write is checked against the end of the memory.
struct ByteCursor {
    private let start: UnsafeMutableRawPointer
    private var next: UnsafeMutableRawPointer
    private let end: UnsafeMutableRawPointer

    /// - Parameter memory: not empty; must outlive the cursor.
    init(_ memory: UnsafeMutableRawBufferPointer) {
        guard let start = memory.baseAddress else { preconditionFailure("a cursor needs memory") }
        self.start = start
        self.next = start
        self.end = start + memory.count
    }

    /// How many bytes were written.
    var count: Int { self.next - self.start }

    /// What was written.
    var written: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: self.start, count: self.count) }

    /// Makes room for `count` bytes and returns where they go.
    @inline(__always)
    private mutating func take(_ count: Int) -> UnsafeMutableRawPointer {
        precondition(count <= self.end - self.next, "an answer is longer than the room made for it")
        defer { self.next += count }
        return self.next
    }

    mutating func append(_ byte: UInt8) {
        self.take(1).storeBytes(of: byte, as: UInt8.self)
    }

    /// The texts are constants: inlined, most of them are one or two stores.
    @inline(__always)
    mutating func append(_ text: StaticString) {
        self.take(text.utf8CodeUnitCount).copyMemory(from: text.utf8Start, byteCount: text.utf8CodeUnitCount)
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        self.take(bytes.count).copyMemory(from: source, byteCount: bytes.count)
    }

    mutating func append(_ buffer: ByteBuffer) {
        buffer.withUnsafeReadableBytes { self.append($0) }
    }

    /// Appends a number in decimal digits.
    mutating func appendDecimal(_ number: Int) {
        if number < 0 { self.append(UInt8(ascii: "-")) }
        self.appendDigits(number.magnitude, count: Self.decimalDigitCount(number.magnitude))
    }

    /// How many digits a number has.
    static func decimalDigitCount(_ number: UInt) -> Int {
        var count = 1
        var rest = number
        while rest > 9 {
            rest /= 10
            count += 1
        }
        return count
    }

    /// Appends the last `count` decimal digits of a number.
    mutating func appendDigits(_ number: UInt, count: Int) {
        let target = self.take(count)
        var rest = number
        for index in stride(from: count - 1, through: 0, by: -1) {
            target.storeBytes(of: UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10), toByteOffset: index, as: UInt8.self)
            rest /= 10
        }
    }

    /// Appends nanoseconds as seconds with nine decimals: 12,345 is `0.000012345`.
    mutating func appendSeconds(nanoseconds: Int) {
        let (seconds, fraction) = max(0, nanoseconds).quotientAndRemainder(dividingBy: 1_000_000_000)
        self.appendDecimal(seconds)
        self.append(UInt8(ascii: "."))
        self.appendDigits(UInt(fraction), count: 9)
    }

    /// Appends sixteen lower-case hexadecimal digits.
    mutating func appendHex(_ number: UInt64) {
        let target = self.take(16)
        for index in 0..<16 {
            let digit = UInt8(truncatingIfNeeded: number >> UInt64(60 - 4 * index)) & 0xf
            target.storeBytes(of: digit &+ (digit < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") - 10), toByteOffset: index, as: UInt8.self)
        }
    }
}
