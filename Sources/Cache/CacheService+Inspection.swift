package import NIOCore

/// What there is to know of a key besides its value, for whoever looks after the service.
package struct KeyInspection: Sendable {
    /// What a reader gets.
    package let answer: CacheAnswer
    /// Of what is stored, also if no reader gets it.
    package let tags: [ByteBuffer]
    /// Whether there is a value that no reader gets, because one of its tags has been invalidated.
    package let isOutdated: Bool
    /// nil if nobody has the lease. Whose it is, and its token, stay a secret.
    package let lease: LeaseRest?

    /// What remains of a lease.
    package struct LeaseRest: Sendable {
        /// nil if that is not known.
        package let milliseconds: Int64?
    }

    init(_ read: ResolvedAnswer) {
        self.answer = read.answer
        self.lease = StoredLease(read.stored).map { LeaseRest(milliseconds: $0.remainingMilliseconds) }
        guard case .hit(let stored, let remaining, _) = read.stored, case .enveloped(let value) = StoredValue(stored) else {
            (self.tags, self.isOutdated) = ([], false)
            return
        }
        self.tags = value.envelope.tags.map(\.name)
        let isOver = remaining.map { $0 <= value.envelope.lease?.valueEndMilliseconds ?? 0 } ?? false
        if case .miss = read.answer { self.isOutdated = !self.tags.isEmpty && !isOver } else { self.isOutdated = false }
    }
}

extension CacheService {
    /// Looks at a key, past all copies. Not counted as a read.
    package func inspect(_ key: ByteBuffer, on eventLoop: any EventLoop) async -> KeyInspection {
        KeyInspection(await self.read(key, acceptsCopy: false, on: eventLoop))
    }
}
