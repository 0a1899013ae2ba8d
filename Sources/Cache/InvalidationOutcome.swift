/// What an invalidation by pattern came to.
package enum InvalidationOutcome: Sendable {
    /// This many keys are gone.
    case invalidated(Int, CacheSource)
    /// Redis stopped in the middle; some keys may be gone.
    case incomplete
}
