// Public only for the compiler: what is inlined into other modules may name nothing else.
public import NIOCore

/// A place in memory where text is written, front to back.
///
/// It costs one capacity check and one move of the buffer's index for a whole answer, instead of one for each of its thirty pieces.
/// Every write is checked against the end of the memory.
@usableFromInline package struct ByteCursor {
    @usableFromInline let start: UnsafeMutableRawPointer
    @usableFromInline var next: UnsafeMutableRawPointer
    @usableFromInline let end: UnsafeMutableRawPointer

    /// - Parameter memory: not empty; must outlive the cursor.
    @inlinable
    package init(_ memory: UnsafeMutableRawBufferPointer) {
        guard let start = memory.baseAddress else { preconditionFailure("a cursor needs memory") }
        self.start = start
        self.next = start
        self.end = start + memory.count
    }

    /// How many bytes were written.
    @inlinable package var count: Int { self.next - self.start }

    /// What was written.
    @inlinable package var written: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: self.start, count: self.count) }

    /// Makes room for `count` bytes and returns where they go.
    @inlinable @inline(__always)
    mutating func take(_ count: Int) -> UnsafeMutableRawPointer {
        precondition(count <= self.end - self.next, "the text is longer than the room made for it")
        defer { self.next += count }
        return self.next
    }

    @inlinable
    package mutating func append(_ byte: UInt8) {
        self.take(1).storeBytes(of: byte, as: UInt8.self)
    }

    /// The texts are constants: inlined, most of them are one or two stores.
    @inlinable @inline(__always)
    package mutating func append(_ text: StaticString) {
        self.take(text.utf8CodeUnitCount).copyMemory(from: text.utf8Start, byteCount: text.utf8CodeUnitCount)
    }

    @inlinable
    package mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        self.take(bytes.count).copyMemory(from: source, byteCount: bytes.count)
    }

    @inlinable
    package mutating func append(_ buffer: ByteBuffer) {
        buffer.withUnsafeReadableBytes { self.append($0) }
    }

    /// Appends a number in decimal digits.
    @inlinable
    package mutating func appendDecimal(_ number: Int) {
        if number < 0 { self.append(UInt8(ascii: "-")) }
        self.appendDigits(number.magnitude, count: DecimalDigits.count(UInt64(number.magnitude)))
    }

    /// Appends the last `count` decimal digits of a number, with zeros in front if it has fewer.
    @inlinable
    package mutating func appendDigits(_ number: UInt, count: Int) {
        DecimalDigits.write(UInt64(number), count: count, to: self.take(count))
    }

    /// Appends nanoseconds as seconds with nine decimals: 12,345 is `0.000012345`.
    @inlinable
    package mutating func appendSeconds(nanoseconds: Int) {
        let (seconds, fraction) = max(0, nanoseconds).quotientAndRemainder(dividingBy: 1_000_000_000)
        self.appendDecimal(seconds)
        self.append(UInt8(ascii: "."))
        self.appendDigits(UInt(fraction), count: 9)
    }

    /// Appends sixteen lower-case hexadecimal digits.
    @inlinable @inline(__always)
    package mutating func appendHexadecimal(_ number: UInt64) {
        let target = self.take(16)
        target.storeBytes(of: Hexadecimal.digits(UInt32(truncatingIfNeeded: number >> 32)), as: UInt64.self)
        target.storeBytes(of: Hexadecimal.digits(UInt32(truncatingIfNeeded: number)), toByteOffset: 8, as: UInt64.self)
    }
}

extension ByteBuffer {
    /// Appends what `write` writes, at most `maximumCount` bytes.
    @inlinable
    package mutating func append(maximumCount: Int, _ write: (inout ByteCursor) -> Void) {
        self.writeWithUnsafeMutableBytes(minimumWritableBytes: maximumCount) { memory in
            var cursor = ByteCursor(memory)
            write(&cursor)
            return cursor.count
        }
    }

    /// Appends a number in decimal digits.
    package mutating func appendDecimal(_ number: Int) {
        self.append(maximumCount: DecimalDigits.maximumCount) { $0.appendDecimal(number) }
    }
}

extension String {
    /// What `write` writes, at most `maximumByteCount` bytes of UTF-8.
    package init(maximumByteCount: Int, _ write: (inout ByteCursor) -> Void) {
        self.init(unsafeUninitializedCapacity: maximumByteCount) { memory in
            var cursor = ByteCursor(UnsafeMutableRawBufferPointer(memory))
            write(&cursor)
            return cursor.count
        }
    }
}
