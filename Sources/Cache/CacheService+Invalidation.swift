import CoreMetrics
import Logging
import MemoryStore
package import NIOCore
import RedisClient

/// What an invalidation by pattern came to.
package enum InvalidationOutcome: Sendable, Hashable {
    /// This many keys are gone, or, of a dry run, match.
    case invalidated(Int, CacheSource)
    /// Redis is away, or a shard of it: the pattern is replayed when it is back, and until then memory answers. This many keys are gone from memory and
    /// from the shards that are there.
    case queued(keysGone: Int)
    /// Of a dry run: Redis, which alone knows, does not answer.
    case unknown
    /// Redis stopped in the middle; some keys may be gone.
    case incomplete
}

extension InvalidationOutcome {
    /// The same with more keys that are gone.
    fileprivate func adding(_ count: Int) -> InvalidationOutcome {
        switch self {
        case .invalidated(let keys, let source): .invalidated(keys + count, source)
        case .queued(let keys): .queued(keysGone: keys + count)
        case .unknown, .incomplete: self
        }
    }
}

extension CacheService {
    /// Deletes every key that matches `pattern`, which is in Redis's glob dialect.
    ///
    /// - Parameter isDryRun: the keys are only counted.
    package func invalidate(_ pattern: ByteBuffer, isDryRun: Bool = false, on eventLoop: any EventLoop) async -> InvalidationOutcome {
        let bytes = pattern.bytes
        let glob = GlobPattern(bytes)
        guard !isDryRun else { return await self.count(bytes, glob) }
        guard let endedCount = await self.endLeases(ifTagsMatch: glob, on: eventLoop) else { return .incomplete }
        let outcome = await self.invalidate(bytes, glob, eventLoop).adding(endedCount)
        // Whatever became of it, some keys may be gone, and no copy of them may be answered once the client knows.
        await self.redis?.gate.near?.drop { glob.matches($0) }
        switch outcome {
        case .invalidated(let count, _), .queued(let count): self.invalidatedKeys.increment(by: count)
        case .unknown, .incomplete: break
        }
        return outcome
    }

    private func invalidate(_ pattern: [UInt8], _ glob: GlobPattern, _ eventLoop: any EventLoop) async -> InvalidationOutcome {
        guard let (control, gate) = self.redis else {
            return .invalidated(await self.embedded.walk(.remove) { glob.matches($0) }, .memory)
        }
        // The journal first: from then on no value of a matching key is written to Redis. Memory next: it may answer until Redis has carried it out.
        let asked = await gate.invalidate(pattern) { glob.matches($0) }
        let isPartlyRemembered = asked.count < gate.shardsInUse.count
        let embeddedCount = await self.embedded.walk(.remove) { glob.matches($0) }
        guard !asked.isEmpty else { return .queued(keysGone: embeddedCount) }
        // A walk may take long, but whether it can begin is known within the deadline of any command.
        var failures = await self.signsOfLife(asked, eventLoop)
        let outcome = await control.deleteKeys(matching: pattern, from: asked.filter { failures[$0] == nil })
        failures.merge(outcome.failures) { first, _ in first }
        for shard in asked where failures[shard] == nil { gate.invalidated(pattern, shard: shard) }
        if let failure = failures.values.first(where: Self.concernsTheCallAlone) {
            self.logger.warning("invalidation stopped", metadata: ["redis.failure": "\(failure)"])
            return .incomplete
        }
        for (shard, failure) in failures { gate.invalidateInstead(pattern, .failure(failure), shard: shard) }
        guard outcome.deletion.refused == 0 else {
            self.logger.warning(
                "Redis did not let the service delete some keys of an invalidation",
                metadata: [
                    "redis.removed": .stringConvertible(outcome.deletion.removed), "redis.refused": .stringConvertible(outcome.deletion.refused),
                ])
            return .incomplete
        }
        guard failures.isEmpty, !isPartlyRemembered else { return .queued(keysGone: embeddedCount + outcome.deletion.removed) }
        return .invalidated(outcome.deletion.removed, .redis)
    }

    /// An error as an answer, such as a missing permission to scan, says nothing of other calls; that a node does not serve a slot does.
    private static func concernsTheCallAlone(_ failure: RedisFailure) -> Bool {
        guard failure.redirect == nil, !failure.isClusterDown else { return false }
        return failure.serverErrorPrefix != nil || failure.code == .cancelled || failure.code == .unexpectedReply
    }

    /// - Returns: why shards do not answer, by their numbers.
    private func signsOfLife(_ shards: [Int], _ eventLoop: any EventLoop) async -> [Int: RedisFailure] {
        guard let redis = self.entry(of: eventLoop).redis else { return [:] }
        var failures: [Int: RedisFailure] = [:]
        let signs = shards.map { shard in (shard, eventLoop.flatSubmit { redis.value.signOfLife(shard) }) }
        for (shard, sign) in signs {
            do {
                try await sign.get()
            } catch {
                let failure = error as? RedisFailure ?? .notConnected
                // A node that does not serve the slot that it was asked for answers, and the walk will show what it has.
                if failure.redirect == nil, !failure.isAboutTheSlot { failures[shard] = failure }
            }
        }
        return failures
    }

    private func count(_ pattern: [UInt8], _ glob: GlobPattern) async -> InvalidationOutcome {
        guard let (control, gate) = self.redis else {
            return .invalidated(await self.embedded.walk(.count) { glob.matches($0) }, .memory)
        }
        guard gate.isRedisAsked else { return .unknown }
        do throws(RedisFailure) {
            return .invalidated(try await control.keyCount(matching: pattern), .redis)
        } catch {
            return Self.concernsTheCallAlone(error) ? .incomplete : .unknown
        }
    }
}
