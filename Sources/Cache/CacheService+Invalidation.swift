import CoreMetrics
import Logging
import MemoryStore
package import NIOCore
import RedisClient

/// What an invalidation by pattern came to.
package enum InvalidationOutcome: Sendable, Hashable {
    /// This many keys are gone, or, of a dry run, match.
    case invalidated(Int, CacheSource)
    /// Redis is away: the pattern is replayed when it is back, and until then memory, which has lost this many keys, answers.
    case queued(keysInMemory: Int)
    /// Of a dry run: Redis, which alone knows, does not answer.
    case unknown
    /// Redis stopped in the middle; some keys may be gone.
    case incomplete
}

extension CacheService {
    /// Deletes every key that matches `pattern`, which is in Redis's glob dialect.
    ///
    /// - Parameter isDryRun: the keys are only counted.
    package func invalidate(_ pattern: ByteBuffer, isDryRun: Bool = false, on eventLoop: any EventLoop) async -> InvalidationOutcome {
        let bytes = pattern.bytes
        let glob = GlobPattern(bytes)
        guard !isDryRun else { return await self.count(bytes, glob) }
        let outcome = await self.invalidate(bytes, glob, eventLoop)
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
        let isRemembered = await gate.invalidate(pattern) { glob.matches($0) }
        let embeddedCount = await self.embedded.walk(.remove) { glob.matches($0) }
        guard !isRemembered else { return .queued(keysInMemory: embeddedCount) }
        do throws(RedisFailure) {
            // A walk may take long, but whether it can begin is known within the deadline of any command.
            try await self.signOfLife(eventLoop)
            let deletion = try await control.deleteKeys(matching: pattern)
            gate.invalidated(pattern)
            guard deletion.refused == 0 else {
                self.logger.warning(
                    "Redis did not let the service delete some keys of an invalidation",
                    metadata: ["redis.removed": .stringConvertible(deletion.removed), "redis.refused": .stringConvertible(deletion.refused)])
                return .incomplete
            }
            return .invalidated(deletion.removed, .redis)
        } catch {
            guard !Self.concernsTheCallAlone(error) else {
                self.logger.warning("invalidation stopped", metadata: ["redis.failure": "\(error)"])
                return .incomplete
            }
            gate.invalidateInstead(pattern, .failure(error))
            return .queued(keysInMemory: embeddedCount)
        }
    }

    /// An error as an answer, such as a missing permission to scan, says nothing of other calls.
    private static func concernsTheCallAlone(_ failure: RedisFailure) -> Bool {
        failure.serverErrorPrefix != nil || failure.code == .cancelled || failure.code == .unexpectedReply
    }

    private func signOfLife(_ eventLoop: any EventLoop) async throws(RedisFailure) {
        guard let redis = self.entry(of: eventLoop).redis else { throw .notConnected }
        do {
            try await eventLoop.flatSubmit { redis.value.signOfLife(0) }.get()
        } catch {
            throw error as? RedisFailure ?? .notConnected
        }
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
