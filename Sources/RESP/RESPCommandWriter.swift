/// A cursor over reserved memory. One capacity check was made for the whole command by whoever reserved it; every append checks its own bounds again,
/// which costs one comparison and turns a wrong reservation into a trap instead of an overwrite.
struct RESPCommandWriter {
    private let target: UnsafeMutableRawBufferPointer
    private(set) var count = 0

    init(_ target: UnsafeMutableRawBufferPointer) {
        self.target = target
    }

    @inline(__always)
    mutating func append(_ text: StaticString) {
        self.append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// `length CRLF bytes`: a bulk string after its `$`, without its last CRLF.
    @inline(__always)
    mutating func appendBulkBody(_ bytes: Span<UInt8>) {
        self.appendDigits(UInt64(bytes.count))
        self.append("\r\n")
        bytes.withUnsafeBytes { self.append($0) }
    }

    /// `length CRLF digits`
    mutating func appendBulkBody(_ value: Int64) {
        let isNegative = value < 0
        self.appendDigits(UInt64(RESPInteger.digitCount(value.magnitude) + (isNegative ? 1 : 0)))
        self.append(isNegative ? "\r\n-" : "\r\n")
        self.appendDigits(value.magnitude)
    }

    @inline(__always)
    mutating func appendDigits(_ value: UInt64) {
        let digits = RESPInteger.digitCount(value)
        precondition(digits <= self.target.count - self.count)
        var rest = value
        var index = self.count + digits
        repeat {
            index -= 1
            self.target[index] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        } while rest > 0
        self.count += digits
    }

    @inline(__always)
    private mutating func append(_ bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count <= self.target.count - self.count)
        if bytes.count > 0 {
            UnsafeMutableRawBufferPointer(rebasing: self.target[self.count...]).copyMemory(from: bytes)
        }
        self.count += bytes.count
    }
}
