import Cache
import NIOCore

/// Keys as the path of a target names them.
enum CacheKey {
    /// The key that the encoded rest of a path names, or nil where the fast lane must not judge it: an escape that is incomplete, bytes that
    /// are no UTF-8, a length out of bounds, the name of a route.
    static func fromPath(_ encoded: ByteBuffer, limits: RequestLimits) -> ByteBuffer? {
        guard let key = PercentDecoding.decode(encoded) else { return nil }
        guard self.fault(of: key, limits: limits) == nil, !self.isRoute(key) else { return nil }
        return key
    }

    /// What is wrong with a decoded key, if anything.
    static func fault(of key: ByteBuffer, limits: RequestLimits) -> ValidationFault.Kind? {
        if key.readableBytes == 0 { return .stringTooShort(minimum: 1) }
        if key.readableBytes > limits.maximumKeyBytes { return .stringTooLong(maximum: limits.maximumKeyBytes) }
        return UTF8Validator.isValid(key.readableBytesUInt8Span) ? nil : .stringUnicode
    }

    /// Whether a key's path is that of a route, or one that URL libraries take away.
    static func isRoute(_ key: ByteBuffer) -> Bool {
        self.isStatistics(key) || self.isInvalidation(key) || self.matches(key, ".") || self.matches(key, "..")
    }

    /// Whether a key's path is that of the statistics.
    static func isStatistics(_ key: ByteBuffer) -> Bool { self.matches(key, "stats") }

    /// Whether a key's path is that of the invalidation.
    static func isInvalidation(_ key: ByteBuffer) -> Bool { self.matches(key, "invalidate") }

    private static func matches(_ key: ByteBuffer, _ text: StaticString) -> Bool {
        key.readableBytes == text.utf8CodeUnitCount
            && key.readableBytesView.elementsEqual(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}
