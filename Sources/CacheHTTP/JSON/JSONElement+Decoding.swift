package import NIOCore

extension JSONElement {
    /// The bytes of the value as they stand in the text, sharing its storage. O(1).
    ///
    /// - Parameter buffer: the text that the value was found in, with the same readable bytes.
    package func slice(of buffer: ByteBuffer) -> ByteBuffer {
        // The range was found within the readable bytes, so that the fallback is out of reach.
        buffer.getSlice(at: buffer.readerIndex + self.range.lowerBound, length: self.range.count) ?? ByteBuffer()
    }

    /// The text of a string value, UTF-8: a slice that shares the storage of `buffer` where no escape stands in it, else a new buffer.
    ///
    /// - Parameter buffer: the text that the value was found in, with the same readable bytes.
    /// - Returns: nil where the value is not a string, or has a surrogate escape without its other half, which UTF-8 cannot spell.
    /// - Complexity: O(1) without escapes, else O(n).
    package func decodeString(in buffer: ByteBuffer) -> ByteBuffer? {
        guard self.kind == .string else { return nil }
        let inside = self.range.lowerBound + 1..<self.range.upperBound - 1
        guard self.hasEscapes else { return buffer.getSlice(at: buffer.readerIndex + inside.lowerBound, length: inside.count) }
        guard let text = JSONEscape.decode(buffer.readableBytesUInt8Span.extracting(inside)) else { return nil }
        return ByteBuffer(bytes: text)
    }
}
