import Synchronization

/// Who may ask, for the whole process: the keys of the moment. They are replaced while requests are answered.
package final class AccessControl: Sendable {
    private let ring: Mutex<AccessKeyRing>
    private let ringVersion = Atomic<Int>(0)

    package init(_ ring: AccessKeyRing) {
        self.ring = Mutex(ring)
    }

    /// Rises with every replacement of the keys: what was found out before it may be wrong.
    package var version: Int { self.ringVersion.load(ordering: .acquiring) }

    /// Replaces the keys. Requests that begin afterwards are judged by the new ones.
    package func replace(_ ring: AccessKeyRing) {
        self.ring.withLock { $0 = ring }
        self.ringVersion.add(1, ordering: .releasing)
    }

    package var keyCount: Int { self.ring.withLock { $0.count } }

    /// Who has this secret. O(keys).
    package func caller(_ secret: UnsafeRawBufferPointer) -> AccessCaller {
        let digest = SecretDigest(of: secret)
        return self.ring.withLock { $0.grant(of: digest) }.map { .known($0) } ?? .unknown
    }
}
