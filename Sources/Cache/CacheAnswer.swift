/// What the cache answers to one operation on one key.
package enum CacheAnswer: Sendable {
    /// The key has a value. `remainingMilliseconds` is its time to live, nil where it has none.
    case hit(CachedValue, remainingMilliseconds: Int64?, CacheSource)
    /// The key has no value: of a get and of a delete.
    case miss(CacheSource)
    /// The value is stored.
    case stored(CacheSource)
    /// The key had a value, which is gone.
    case deleted(CacheSource)
    /// The store said no; trying again at once would not help.
    case refused(CacheRefusal, CacheSource)

    /// Which store answered.
    package var source: CacheSource {
        switch self {
        case .hit(_, _, let source), .miss(let source), .stored(let source), .deleted(let source), .refused(_, let source): source
        }
    }
}
