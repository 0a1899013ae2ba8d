package import NIOCore

/// A change of one key that depends on what the key holds. Each is one step for everybody who uses the store, on every instance.
package enum CacheChange: Sendable {
    /// Stores a value if the key has none: `.stored`. Otherwise `.conflict`.
    case create(value: ByteBuffer, ttl: TimeToLive)
    /// Stores a lease that ends after so many milliseconds if the key has no value: `.stored`. Otherwise `.conflict`.
    ///
    /// Redis runs a script for it though a command would do: where scripts are refused, so is the lease, which nobody could fill or give up.
    case lease(placeholder: ByteBuffer, milliseconds: Int64)
    /// Stores a value if the key still holds exactly the bytes `expected`: `.stored`. Otherwise `.conflict`, also if the key is absent.
    case replace(expected: ByteBuffer, value: ByteBuffer, ttl: TimeToLive)
    /// Deletes the key if it still holds exactly the bytes `expected`: `.deleted`. Otherwise `.conflict`, also if the key is absent.
    case remove(expected: ByteBuffer)
    /// Changes the time to live and nothing else, if the value begins with `prefix`: `.stored`. Otherwise `.conflict`, and if the key is absent `.miss`.
    case expire(ttl: TimeToLive, prefix: ByteBuffer = ByteBuffer())
    /// Makes the value live that long from now, if it does not live longer already: `.stored`. If the key is absent `.miss`.
    case prolong(milliseconds: Int64)
}

/// How long a change lets the value live.
package enum TimeToLive: Sendable, Hashable {
    case none
    /// From now on; more than 0.
    case milliseconds(Int64)
    /// What remains to the value that is there; nothing changes that. To a value that is created, no time to live.
    case kept

    /// - Parameter seconds: nil for none.
    package init(seconds: Int64?) {
        self = seconds.map { .milliseconds($0 * 1000) } ?? .none
    }
}

/// What becomes of a change if Redis is configured and cannot carry it out.
package enum ChangeWhileAway: Sendable, Hashable {
    /// `.unavailable`: what the change depends on is not known.
    case refused
    /// Memory decides, for this process alone, unless Redis may have carried the change out.
    ///
    /// What is changed so is replayed to Redis if `isReplayed`, or if the key is in the journal already. Otherwise Redis never hears of it, so it should
    /// have a short life: memory keeps it until then.
    case perInstance(isReplayed: Bool)
}
