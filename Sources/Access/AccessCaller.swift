package import NIOCore

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Who is asking. The one function that decides, for the fast lane and the router alike, is `verdict`.
package enum AccessCaller: Sendable {
    /// No credential is required of anybody.
    case anybody
    /// A credential is required, and none came.
    case anonymous
    /// A credential came that belongs to nobody.
    case unknown
    /// A token came that cannot be checked at the moment.
    case unverified
    case known(AccessGrant)

    /// Whether the caller may do anything of this kind: asked before a request is looked at any closer.
    package func verdict(_ scope: AccessScopes) -> AccessVerdict {
        switch self {
        case .anybody: .allowed
        case .anonymous: .unauthenticated
        case .unknown: .rejected
        case .unverified: .undecided
        case .known(let grant): grant.scopes.contains(scope) ? .allowed : .forbidden(scope)
        }
    }

    /// Whether the caller may do this. O(length of the caller's prefix).
    package func verdict(_ action: AccessAction) -> AccessVerdict {
        let verdict = self.verdict(action.scope)
        guard verdict == .allowed, case .known(let grant) = self else { return verdict }
        switch action {
        case .read(let key), .write(let key), .invalidate(tag: let key):
            let isInside = key.withUnsafeReadableBytes { key in grant.prefix.withUnsafeBytes { key.hasPrefix($0) } }
            return isInside ? .allowed : .outsidePrefix
        }
    }

    /// Counts a request of this caller, or several at once.
    /// - Parameters:
    ///   - count: at least 1.
    ///   - now: nanoseconds of the monotonic clock.
    /// - Returns: nil if that is within the caller's limit, else in how many nanoseconds the next may come. Then nothing is counted.
    package func admit(_ count: Int = 1, now: Int) -> Int? {
        guard case .known(let grant) = self, let bucket = grant.bucket else { return nil }
        return bucket.take(count, now: now)
    }

    /// `pattern` confined to the caller's prefix; nil if it reaches beyond it.
    package func confined(_ pattern: ByteBuffer) -> ByteBuffer? {
        guard case .known(let grant) = self, !grant.prefix.isEmpty else { return pattern }
        return KeyPrefix(grant.prefix).confined(Array(pattern.readableBytesView)).map { ByteBuffer(bytes: $0) }
    }
}

/// What a request is to do with one key. A pattern, which means many, is confined by ``AccessCaller/confined(_:)``.
package enum AccessAction {
    case read(key: ByteBuffer)
    case write(key: ByteBuffer)
    /// A tag is confined as a key is.
    case invalidate(tag: ByteBuffer)

    /// The scope that it requires.
    package var scope: AccessScopes {
        switch self {
        case .read: .read
        case .write: .write
        case .invalidate: .invalidate
        }
    }
}

/// Whether a request may proceed, and the status of its answer if it may not.
package enum AccessVerdict: Hashable, Sendable {
    case allowed
    /// No credential came, and one is required: 401.
    case unauthenticated
    /// A credential came that is unknown or no longer valid: 401.
    case rejected
    /// A token came that cannot be checked at the moment: 503.
    case undecided
    /// The caller is known and may not do this: 403.
    case forbidden(AccessScopes)
    /// The caller may do this, but not with that key: 403.
    case outsidePrefix
}

/// What one caller may do. Shared by all its requests.
package final class AccessGrant: Sendable {
    package let scopes: AccessScopes
    /// What its keys begin with; empty if it may use every key.
    package let prefix: [UInt8]
    /// How often it may ask; nil if there is no limit.
    package let bucket: TokenBucket?

    package init(scopes: AccessScopes, prefix: [UInt8] = [], bucket: TokenBucket? = nil) {
        self.bucket = bucket
        self.scopes = scopes
        self.prefix = prefix
    }
}

/// Confines patterns, in Redis's glob dialect, to keys with a prefix.
struct KeyPrefix {
    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// A pattern that matches no key without the prefix; nil if `pattern` might match one.
    ///
    /// `*` alone means everything with the prefix. Any other pattern must begin with the prefix itself, letter by letter: `agent:1*` with the prefix
    /// `agent:`. What begins with `a*` or `[a]gent:` could match elsewhere, or would take a proof that it does not.
    func confined(_ pattern: [UInt8]) -> [UInt8]? {
        if pattern == [UInt8(ascii: "*")] { return self.escaped + pattern }
        var index = 0
        for expected in self.bytes {
            guard index < pattern.count else { return nil }
            switch pattern[index] {
            case UInt8(ascii: "*"), UInt8(ascii: "?"), UInt8(ascii: "["):
                return nil
            // At the end of a pattern a backslash stands for itself.
            case UInt8(ascii: "\\") where index + 1 < pattern.count:
                index += 1
            default:
                break
            }
            guard pattern[index] == expected else { return nil }
            index += 1
        }
        return pattern
    }

    /// The prefix as a pattern that matches itself.
    private var escaped: [UInt8] {
        self.bytes.flatMap { byte -> [UInt8] in
            switch byte {
            case UInt8(ascii: "*"), UInt8(ascii: "?"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "\\"): [UInt8(ascii: "\\"), byte]
            default: [byte]
            }
        }
    }
}

extension UnsafeRawBufferPointer {
    /// Whether these bytes begin with `prefix`. O(length of the prefix), at the speed of the C library: every request of a caller with a key comes here
    /// twice.
    func hasPrefix(_ prefix: UnsafeRawBufferPointer) -> Bool {
        guard let bytes = self.baseAddress, let start = prefix.baseAddress else { return prefix.isEmpty }
        return prefix.count <= self.count && memcmp(bytes, start, prefix.count) == 0
    }
}
