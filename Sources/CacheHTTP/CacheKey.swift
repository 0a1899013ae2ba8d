import Cache
import NIOCore

/// Keys as the path of a target names them.
enum CacheKey {
    /// The key that the encoded rest of a path names, or nil where the fast lane must not judge it: an escape that is incomplete, bytes that
    /// are no UTF-8, a length out of bounds, the name of a route.
    static func fromPath(_ encoded: ByteBuffer, limits: RequestLimits) -> ByteBuffer? {
        guard let key = PercentDecoding.decode(encoded.readableBytesView, allocator: ByteBufferAllocator()) else { return nil }
        guard self.fault(of: key, limits: limits) == nil, !self.isRoute(key) else { return nil }
        return key
    }

    /// What is wrong with a decoded key, if anything.
    static func fault(of key: ByteBuffer, limits: RequestLimits) -> ValidationFault.Kind? {
        if key.readableBytes == 0 { return .stringTooShort(minimum: 1) }
        if key.readableBytes > limits.maximumKeyBytes { return .stringTooLong(maximum: limits.maximumKeyBytes) }
        return UTF8Validator.isValid(key.readableBytesUInt8Span) ? nil : .stringUnicode
    }

    /// Whether a key's path is that of a route.
    static func isRoute(_ key: ByteBuffer) -> Bool {
        key == ByteBuffer(string: "stats") || key == ByteBuffer(string: "invalidate") || key == ByteBuffer(string: ".")
            || key == ByteBuffer(string: "..")
    }
}
