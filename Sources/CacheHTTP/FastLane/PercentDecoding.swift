import NIOCore

/// Percent-decoding of a key, done exactly once for each request.
enum PercentDecoding {
    /// The bytes that `encoded` stands for, or nil where an escape is incomplete (RFC 3986, section 2.1).
    ///
    /// A plus sign is a plus sign: it means a space in forms only. O(bytes).
    static func decode(_ encoded: ByteBufferView, allocator: ByteBufferAllocator) -> ByteBuffer? {
        var decoded = allocator.buffer(capacity: encoded.count)
        var index = encoded.startIndex
        while index < encoded.endIndex {
            let byte = encoded[index]
            guard byte == UInt8(ascii: "%") else {
                decoded.writeInteger(byte)
                index += 1
                continue
            }
            guard index + 2 < encoded.endIndex, let high = ByteClass.hexValue(encoded[index + 1]), let low = ByteClass.hexValue(encoded[index + 2])
            else { return nil }
            decoded.writeInteger(high << 4 | low)
            index += 3
        }
        return decoded
    }
}
