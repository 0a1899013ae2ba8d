import NIOCore

/// How a key stands for a caller who wants its lease: what a read of it says, and what follows.
enum LeaseStanding {
    /// There is a value that needs no lease.
    case fresh
    /// There is a value, and nobody computes the next one.
    case stale(EnvelopedValue, remainingMilliseconds: Int64)
    /// There is a value, and somebody computes the next one.
    case staleAndHeld
    /// There is no value, and nobody computes one. Without Redis there may be a value as it was last known, which is not held where leases are.
    /// - Parameter stored: what stands at the key without being a value, such as one whose tag has been invalidated; nil if nothing does.
    case free(stored: ByteBuffer?)
    /// There is no value, and somebody computes one.
    case held(remainingMilliseconds: Int64?)
    /// The store does not let the key be read.
    case refused

    init(_ read: ResolvedAnswer) {
        switch (read.answer, StoredLease(read.stored)) {
        case (.hit(.envelope(let value), let fresh?, _), let lease) where fresh < 0:
            switch (read.stored, lease) {
            case (.hit(_, .some, _), .some): self = .staleAndHeld
            case (.hit(_, let remaining?, _), nil): self = .stale(value, remainingMilliseconds: remaining)
            case (.miss, _): self = .free(stored: nil)
            default: self = .fresh
            }
        case (.hit, _): self = .fresh
        // A value that is neither there nor over has lost a tag, and what is computed in its place is as old.
        case (.miss, let lease?) where lease.isBesideValue: self = .free(stored: lease.value.stored.buffer)
        case (.miss, let lease?): self = .held(remainingMilliseconds: lease.remainingMilliseconds)
        case (.miss, nil):
            if case .hit(let stored, _, _) = read.stored { self = .free(stored: stored.buffer) } else { self = .free(stored: nil) }
        case (.stored, _), (.deleted, _), (.refused, _), (.conflict, _), (.unavailable, _): self = .refused
        }
    }
}

/// A lease that stands, as it is stored at its key.
struct StoredLease {
    let lease: Lease
    /// The envelope that has it.
    let value: EnvelopedValue
    /// What remains of the lease, in milliseconds; nil if that is not known.
    let remainingMilliseconds: Int64?
    /// What remains of the time to live of the key.
    let keyRemainingMilliseconds: Int64?
    let source: CacheSource

    /// - Returns: nil if what is stored has no lease, or one that is over.
    init?(_ stored: CacheAnswer) {
        guard case .hit(let bytes, let remaining, let source) = stored, case .enveloped(let value) = StoredValue(bytes),
            let lease = value.envelope.lease
        else { return nil }
        let left = remaining.map { $0 - lease.endMilliseconds }
        if let left, left <= 0 { return nil }
        self.lease = lease
        self.value = value
        self.remainingMilliseconds = left
        self.keyRemainingMilliseconds = remaining
        self.source = source
    }

    /// Whether there is a value that is not over.
    var isBesideValue: Bool {
        self.value.envelope.form == .value && (self.keyRemainingMilliseconds.map { $0 > self.lease.valueEndMilliseconds } ?? true)
    }

    /// What the key holds once the lease is given up: nothing, or the stale value without a lease.
    var givenUp: CacheChange {
        let stored = self.value.stored.buffer
        guard self.value.envelope.form == .value else { return .remove(expected: stored) }
        var envelope = self.value.envelope
        envelope.lease = nil
        let left = (self.keyRemainingMilliseconds ?? 0) - self.lease.valueEndMilliseconds
        guard self.lease.valueEndMilliseconds > 0 else {
            return .replace(expected: stored, value: envelope.wrap(self.value.payload.buffer), ttl: .kept)
        }
        guard left > 0 else { return .remove(expected: stored) }
        return .replace(expected: stored, value: envelope.wrap(self.value.payload.buffer), ttl: .milliseconds(left))
    }

    /// The lease from now on for so long.
    func renewed(_ milliseconds: Int64) -> CacheChange {
        let stored = self.value.stored.buffer
        guard self.value.envelope.form == .value, let remaining = self.keyRemainingMilliseconds else {
            return .replace(expected: stored, value: stored, ttl: .milliseconds(milliseconds))
        }
        return self.value.leased(
            self.lease, milliseconds, valueRemaining: remaining - self.lease.valueEndMilliseconds, keyRemaining: remaining)
    }
}

extension EnvelopedValue {
    /// The value with a lease beside it.
    /// - Parameters:
    ///   - lease: what is known of it, but for its end.
    ///   - milliseconds: how long the lease is to last.
    ///   - valueRemaining: how long the value is, no matter what becomes of the key.
    ///   - keyRemaining: what remains of the time to live of the key.
    func leased(_ lease: Lease, _ milliseconds: Int64, valueRemaining: Int64, keyRemaining: Int64) -> CacheChange {
        var lease = lease
        var envelope = self.envelope
        let life = max(milliseconds, valueRemaining)
        lease.endMilliseconds = life - milliseconds
        lease.valueEndMilliseconds = life - max(0, valueRemaining)
        envelope.lease = lease
        // What remains is kept where it can be: a time that was read and is written again grows by the time in between.
        let ttl: TimeToLive = life == keyRemaining ? .kept : .milliseconds(life)
        return .replace(expected: self.stored.buffer, value: envelope.wrap(self.payload.buffer), ttl: ttl)
    }
}

extension CacheAnswer {
    /// Of a hit: what remains, as the store says.
    var remainingMilliseconds: Int64? { if case .hit(_, let remaining, _) = self { remaining } else { nil } }

    /// Of what is stored: whether it is more than a lease.
    var hasValue: Bool {
        guard case .hit = self else { return false }
        return self.isToBeResolved ? StoredLease(self)?.isBesideValue ?? true : true
    }
}
