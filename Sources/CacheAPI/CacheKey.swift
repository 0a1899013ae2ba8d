import Bytes
import Cache
package import NIOCore

/// Keys as the path of a target names them.
@usableFromInline package enum CacheKey {
    /// The path below which keys and the routes with reserved names are.
    @inlinable package static var pathPrefix: StaticString { "/cache/" }

    /// The path below which values are, each as it is.
    @inlinable package static var valuePrefix: StaticString { "/values/" }

    /// Names below `/cache/` that are routes: a key of that name can be reached by `?key=` alone.
    package enum ReservedName: CaseIterable, Sendable {
        case batch, invalidate, stats

        var text: StaticString {
            switch self {
            case .batch: "batch"
            case .invalidate: "invalidate"
            case .stats: "stats"
            }
        }
    }

    /// The route that a decoded name below `/cache/` is; nil if it is a key.
    package static func reservedName(_ name: UnsafeRawBufferPointer) -> ReservedName? {
        if self.matches(name, ReservedName.stats.text) { return .stats }
        if self.matches(name, ReservedName.batch.text) { return .batch }
        return self.matches(name, ReservedName.invalidate.text) ? .invalidate : nil
    }

    package static func reservedName(_ name: ByteBuffer) -> ReservedName? { name.withUnsafeReadableBytes { self.reservedName($0) } }

    /// Whether a name below `/cache/` is that of a route, or a dot segment, which URL libraries remove (RFC 3986, section 5.2.4).
    package static func isReserved(_ name: UnsafeRawBufferPointer) -> Bool {
        self.reservedName(name) != nil || self.matches(name, ".") || self.matches(name, "..")
    }

    /// The key that the encoded rest of a path names, or nil if the fast lane must not judge it: an incomplete escape, bytes that are
    /// not UTF-8, a length out of bounds, a reserved name.
    package static func fromPath(_ encoded: ByteBuffer, limits: RequestLimits) -> ByteBuffer? {
        guard let key = PercentDecoding.decode(encoded) else { return nil }
        guard self.fault(of: key, limits: limits) == nil, !key.withUnsafeReadableBytes({ self.isReserved($0) }) else { return nil }
        return key
    }

    /// What is wrong with a decoded key, if anything.
    package static func fault(of key: ByteBuffer, limits: RequestLimits) -> ValidationFault.Kind? {
        if key.readableBytes == 0 { return .stringTooShort(minimum: 1) }
        if key.readableBytes > limits.maximumKeyBytes { return .stringTooLong(maximum: limits.maximumKeyBytes) }
        if TagVersion.isKey(key) { return self.reservedKey }
        return UTF8Validator.isValid(key.readableBytesUInt8Span) ? nil : .stringUnicode
    }

    /// What is wrong with a key that the service uses itself.
    package static let reservedKey = ValidationFault.Kind.valueError("keys that begin with \(TagVersion.keyPrefix) are reserved")

    private static func matches(_ name: UnsafeRawBufferPointer, _ text: StaticString) -> Bool {
        guard name.count == text.utf8CodeUnitCount else { return false }
        for index in 0..<name.count where name[index] != text.utf8Start[index] { return false }
        return true
    }
}
