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
        JSONWriter.writeInteger(Int64(number), into: &self)
    }
}
