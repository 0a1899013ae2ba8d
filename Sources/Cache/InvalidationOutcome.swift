/// What an invalidation by pattern came to.
package enum InvalidationOutcome: Sendable {
    /// This many keys are gone, or, of a dry run, match.
    case invalidated(Int, CacheSource)
    /// Redis is away: it is told of the pattern when it is back, and until then memory, which has lost this many keys, answers.
    case queued(keysInMemory: Int)
    /// Of a dry run: Redis, which alone knows, does not answer.
    case unknown
    /// Redis stopped in the middle; some keys may be gone.
    case incomplete
}
