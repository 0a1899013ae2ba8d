import CoreMetrics
package import NIOCore

/// A value as a client wants it stored.
package struct NewValue: Sendable {
    package let bytes: ByteBuffer
    /// How long it is fresh; nil for ever.
    package let ttlSeconds: Int64?
    /// How long after that it may still be answered; 0 without a time to live.
    package let staleSeconds: Int64
    /// At most `Envelope.maximumTags`.
    package let tags: [ByteBuffer]

    package init(_ bytes: ByteBuffer, ttlSeconds: Int64?, staleSeconds: Int64 = 0, tags: [ByteBuffer] = []) {
        self.bytes = bytes
        self.ttlSeconds = ttlSeconds
        self.staleSeconds = staleSeconds
        self.tags = tags
    }

    /// Of the key.
    var timeToLive: TimeToLive { TimeToLive(seconds: self.lifeSeconds) }

    var lifeSeconds: Int64? { self.ttlSeconds.map { $0 + self.staleSeconds } }
}

/// What became of the invalidation of a tag.
package enum TagInvalidation: Sendable {
    case invalidated(CacheSource)
    /// Redis is away: this process knows it, and Redis hears it when it is back.
    case queued
    /// The store did not take it.
    case refused(CacheAnswer)
}

/// Tags: one write makes every value that bears a tag a miss, however many there are.
///
/// A tag is a random version at a key of its own, and a value remembers the versions of its tags. A version that is gone counts as another one. So
/// whatever becomes of these keys, too much is invalidated and never too little.
///
/// A lease is given before the tags of its value are known. So there is one more version, of all tags together, that changes before any other: if it
/// is still that of the time when the lease was given, so are all of them.
extension CacheService {
    /// While Redis is away, what is not known of its tags is made up for so long.
    private static let versionLifeInOutage: Int64 = 60_000
    private static let allTags = ByteBuffer()

    // MARK: Invalidation

    /// Every value that bears the tag is a miss from now on.
    package func invalidate(tag: ByteBuffer, on eventLoop: any EventLoop) async -> TagInvalidation {
        var isQueued = false
        // That of all tags first: whoever sees the new version of the tag sees the new version of all.
        for name in [Self.allTags, tag] {
            let answer = await self.renewVersion(of: name, on: eventLoop)
            switch answer {
            case .stored(let source), .deleted(let source), .miss(let source): isQueued = isQueued || source.isDegraded
            case .refused, .conflict, .unavailable, .hit: return .refused(answer)
            }
        }
        self.invalidatedTags.increment()
        return isQueued ? .queued : .invalidated(self.redis == nil ? .memory : .redis)
    }

    /// A pattern that matches versions of tags invalidates these tags. So the version of all tags changes before them, and with it the leases end that are
    /// out for values with tags.
    /// - Returns: how many keys that match the pattern are gone; nil if the store does not take it.
    func endLeases(ifTagsMatch glob: GlobPattern, on eventLoop: any EventLoop) async -> Int? {
        let key = TagVersion.key(of: Self.allTags)
        guard glob.canMatch(keysBeginningWith: key.bytes) else { return 0 }
        // No version is as good as a new one, and does not count as a key that is still there.
        let isMatch = glob.matches(key.readableBytesUInt8Span)
        switch isMatch ? await self.delete(key, on: eventLoop) : await self.renewVersion(of: Self.allTags, on: eventLoop) {
        case .deleted: return 1
        // Where versions may not be written there are no tags.
        case .stored, .miss, .refused(.notPermitted, _): return 0
        case .hit, .refused, .conflict, .unavailable: return nil
        }
    }

    private func renewVersion(of tag: ByteBuffer, on eventLoop: any EventLoop) async -> CacheAnswer {
        let key = TagVersion.key(of: tag)
        let answer = await self.set(key, value: TagVersion.random().stored, ttlSeconds: TagVersion.shortestLife / 1000, on: eventLoop)
        // No version is as good as a new one, and takes no room.
        guard case .refused = answer else { return answer }
        return await self.delete(key, on: eventLoop)
    }

    // MARK: Values

    /// Stores a value that may have tags, and may be stale for a while.
    package func set(_ key: ByteBuffer, to value: NewValue, on eventLoop: any EventLoop) async -> CacheAnswer {
        switch await self.wrap(value, heldBy: nil, on: eventLoop) {
        case .bytes(let bytes): await self.set(key, value: bytes, ttlSeconds: value.lifeSeconds, on: eventLoop)
        case .outdated(let source): .conflict(source)
        case .failed(let answer): answer
        }
    }

    /// What is stored of a value.
    enum Wrapped {
        case bytes(ByteBuffer)
        /// A tag has been invalidated since the lease was given, or may have been.
        case outdated(CacheSource)
        /// A version could not be read, nor made.
        case failed(CacheAnswer)
    }

    /// - Parameter lease: the one that the value was computed for; nil if there is none.
    func wrap(_ value: NewValue, heldBy lease: StoredLease?, on eventLoop: any EventLoop) async -> Wrapped {
        var known = KnownVersions()
        return await self.wrap(value, heldBy: lease, &known, on: eventLoop)
    }

    /// The same for one of several values.
    /// - Parameter known: the versions that were read for those before it.
    func wrap(_ value: NewValue, heldBy held: StoredLease?, _ known: inout KnownVersions, on eventLoop: any EventLoop) async -> Wrapped {
        var envelope = Envelope()
        envelope.staleSeconds = value.staleSeconds
        let life = (value.lifeSeconds ?? 0) * 1000
        let lease = held?.lease
        // What was last known counts for a lease that memory has given: it is all that this process knows, and Redis never takes the value for that lease.
        let acceptsCopy = held?.source.isDegraded ?? true
        var areAllRemembered = true
        for name in value.tags {
            let now: TagVersion
            if let version = known.version(of: name, life: life) {
                now = version
            } else {
                switch await self.version(of: name, life: life, acceptsCopy: acceptsCopy, on: eventLoop) {
                case .success(let version): now = version
                case .failure(let failure): return .failed(failure.answer)
                }
                known.add(now, of: name, life: life)
            }
            let then = lease?.versions.first { $0.name == name }
            if then == nil { areAllRemembered = false }
            envelope.tags.append(then ?? VersionedTag(name: name, version: now))
        }
        // After the others: it has changed before them.
        if let lease, !areAllRemembered {
            let answer = await self.stored(TagVersion.key(of: Self.allTags), acceptsCopy: acceptsCopy, on: eventLoop)
            let then = lease.versions.first { $0.name == Self.allTags }
            guard let now = answer.tagVersion, now == then?.version else { return .outdated(answer.source) }
        }
        return .bytes(envelope.isPlain ? value.bytes : envelope.wrap(value.bytes))
    }

    /// What a lease remembers: the version of all tags, and those of the tags of the value that it follows.
    func versionsNow(alsoOf tags: [VersionedTag], on eventLoop: any EventLoop) async -> [VersionedTag] {
        var versions: [VersionedTag] = []
        for name in [Self.allTags] + tags.map(\.name) {
            // What is not remembered counts as changed.
            guard case .success(let version) = await self.version(of: name, life: 0, acceptsCopy: true, on: eventLoop) else { continue }
            versions.append(VersionedTag(name: name, version: version))
        }
        return versions
    }

    // MARK: Versions

    private struct NoVersion: Error {
        let answer: CacheAnswer
    }

    /// The version of a tag, which is made if there is none.
    /// - Parameter life: how long it has to last, in milliseconds.
    private func version(
        of tag: ByteBuffer, life: Int64, acceptsCopy: Bool, on eventLoop: any EventLoop
    ) async -> Result<TagVersion, NoVersion> {
        let key = TagVersion.key(of: tag)
        let versionLife = TagVersion.life(forValueOf: life)
        let ttl = TimeToLive.milliseconds(versionLife)
        var acceptsCopy = acceptsCopy
        var last = CacheAnswer.unavailable(.outage)
        for _ in 0..<4 {
            let found = await self.stored(key, acceptsCopy: acceptsCopy, on: eventLoop)
            if let version = found.tagVersion {
                // If that fails, the values die with the version.
                if let remaining = found.remainingMilliseconds, remaining < life {
                    _ = await self.change(key, .prolong(milliseconds: versionLife), on: eventLoop)
                }
                return .success(version)
            }
            let version = TagVersion.random()
            last = await self.make(version, at: key, insteadOf: found, ttl, on: eventLoop)
            switch last {
            case .stored: return .success(version)
            case .conflict: acceptsCopy = false
            case .hit, .miss, .deleted, .refused, .unavailable: return .failure(NoVersion(answer: last))
            }
        }
        return .failure(NoVersion(answer: .unavailable(last.source)))
    }

    private func make(
        _ version: TagVersion, at key: ByteBuffer, insteadOf found: CacheAnswer, _ ttl: TimeToLive, on eventLoop: any EventLoop
    ) async -> CacheAnswer {
        if case .hit(let other, _, _) = found {
            return await self.change(key, .replace(expected: other.buffer, value: version.stored, ttl: ttl), on: eventLoop)
        }
        let answer = await self.change(key, .create(value: version.stored, ttl: ttl), on: eventLoop)
        guard case .unavailable(.outage) = answer else { return answer }
        // Redis has a version of its own, with which it goes on when it is back.
        let shortLife = TimeToLive.milliseconds(Self.versionLifeInOutage)
        return await self.change(
            key, .create(value: version.stored, ttl: shortLife), whileAway: .perInstance(isReplayed: false), on: eventLoop)
    }

    /// What is stored at a key.
    private func stored(_ key: ByteBuffer, acceptsCopy: Bool, on eventLoop: any EventLoop) async -> CacheAnswer {
        await self.read(key, acceptsCopy: acceptsCopy, on: eventLoop).stored
    }
}

/// The versions of tags that were read for values that are stored together: a tag that many of them bear is read once.
struct KnownVersions {
    private var versions: [ByteBuffer: (version: TagVersion, life: Int64)] = [:]

    /// - Parameter life: how long it has to last, in milliseconds.
    func version(of tag: ByteBuffer, life: Int64) -> TagVersion? {
        self.versions[tag].flatMap { $0.life >= life ? $0.version : nil }
    }

    mutating func add(_ version: TagVersion, of tag: ByteBuffer, life: Int64) { self.versions[tag] = (version, life) }
}
