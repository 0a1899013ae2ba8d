/// Changes that depend on what a key holds.
///
/// Idea. An entry's bytes never change, so "the key still holds these bytes" is a comparison of two references. The caller looks first, compares at its
/// leisure, and then changes what it has seen, if that is still there: no lock is held while bytes are compared.
extension MemoryStore {
    /// Returns the value of a key, as ``get(_:now:)`` does, but neither counts it as a read nor as a reason to keep the entry.
    package func peek(_ key: Span<UInt8>, now: MonotonicTime) -> MemoryHit? {
        let hash = hash(key)
        return shard(of: hash).peek(key, tag: hash.tag, now: now)
    }

    /// Stores a copy of the value if the key is as the caller has seen it.
    ///
    /// - Parameters:
    ///   - deadline: when the value expires. If that is not after `now`, the key is absent afterwards.
    ///   - seen: what ``peek(_:now:)`` or ``get(_:now:)`` has returned; nil if the key is to be absent.
    package func set(
        _ key: Span<UInt8>, value: Span<UInt8>, deadline: MemoryDeadline, now: MonotonicTime, replacing seen: MemoryHit?
    ) -> ConditionalOutcome {
        guard MemoryFootprint.storageBytes(key.count + value.count) + MemoryFootprint.slotBytes <= maximumEntryBytes else { return .tooLarge }
        let hash = hash(key)
        var entry = MemoryEntry()
        entry.tag = hash.tag
        var keepsDeadline = false
        switch deadline {
        case .never: entry.deadline = MemoryEntry.never
        case .at(let time): entry.deadline = time.milliseconds
        case .kept:
            entry.deadline = MemoryEntry.never
            keepsDeadline = true
        }
        entry.storage = EntryStorage.make(key: key, header: RawSpan(), value: value.bytes)
        return shard(of: hash).set(key, entry: entry, now: now, replacing: seen, keepsDeadline: keepsDeadline) ? .stored : .changed
    }

    /// Removes a key if it is as the caller has seen it. Returns whether it is.
    package func remove(_ key: Span<UInt8>, ifStill seen: MemoryHit, now: MonotonicTime) -> Bool {
        let hash = hash(key)
        return shard(of: hash).remove(key, tag: hash.tag, now: now, seen)
    }

    /// Gives the value of a key another deadline if it is as the caller has seen it. Returns whether it is.
    /// - Parameter expiresAt: nil if it does not expire.
    package func expire(_ key: Span<UInt8>, at expiresAt: MonotonicTime?, ifStill seen: MemoryHit, now: MonotonicTime) -> Bool {
        let hash = hash(key)
        return shard(of: hash).expire(key, tag: hash.tag, at: expiresAt?.milliseconds ?? MemoryEntry.never, now: now, seen)
    }
}

/// When a value expires that replaces another one.
package enum MemoryDeadline: Sendable {
    case never
    case at(MonotonicTime)
    /// When the other one would have; never, if there is none.
    case kept
}

/// The result of a `set` with a condition.
package enum ConditionalOutcome: Equatable, Sendable {
    case stored
    /// The key is not as the caller has seen it; nothing has changed.
    case changed
    /// The entry is larger than ``MemoryStore/maximumEntryBytes``; nothing has changed.
    case tooLarge
}
