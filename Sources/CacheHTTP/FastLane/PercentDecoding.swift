import NIOCore

/// Percent-decoding of a key, done exactly once for each request.
enum PercentDecoding {
    /// The bytes that `encoded` stands for, or nil where an escape is incomplete (RFC 3986, section 2.1). Without an escape, `encoded` itself.
    ///
    /// A plus sign is a plus sign: it means a space in forms only. O(bytes).
    static func decode(_ encoded: ByteBuffer) -> ByteBuffer? {
        let bytes = encoded.readableBytesView
        guard bytes.contains(UInt8(ascii: "%")) else { return encoded }
        var decoded = ByteBuffer()
        decoded.reserveCapacity(bytes.count)
        var index = bytes.startIndex
        while index < bytes.endIndex {
            let byte = bytes[index]
            guard byte == UInt8(ascii: "%") else {
                decoded.writeInteger(byte)
                index += 1
                continue
            }
            guard index + 2 < bytes.endIndex, let high = ByteClass.hexValue(bytes[index + 1]), let low = ByteClass.hexValue(bytes[index + 2])
            else { return nil }
            decoded.writeInteger(high << 4 | low)
            index += 3
        }
        return decoded
    }
}
