import NIOCore

/// Text primitives of the body writers: no `String`, no formatting machinery.
extension ByteBuffer {
    /// Appends what `write` writes, at most `maximumCount` bytes.
    mutating func append(maximumCount: Int, _ write: (inout ByteCursor) -> Void) {
        self.writeWithUnsafeMutableBytes(minimumWritableBytes: maximumCount) { memory in
            var cursor = ByteCursor(memory)
            write(&cursor)
            return cursor.count
        }
    }

    /// Appends a number in decimal digits.
    mutating func appendDecimal(_ number: Int) {
        self.append(maximumCount: 20) { $0.appendDecimal(number) }
    }

    /// Appends hundredths as Python writes a float rounded to two decimals: 6225 is `62.25`, 5000 is `50.0`.
    mutating func appendHundredths(_ hundredths: Int) {
        self.append(maximumCount: 24) { cursor in
            cursor.appendDecimal(hundredths / 100)
            cursor.append(UInt8(ascii: "."))
            let fraction = UInt(hundredths % 100)
            if fraction % 10 == 0 { cursor.appendDigits(fraction / 10, count: 1) } else { cursor.appendDigits(fraction, count: 2) }
        }
    }
}
