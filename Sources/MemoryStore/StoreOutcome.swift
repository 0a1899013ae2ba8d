/// What became of a `set`.
package enum StoreOutcome: Equatable, Sendable {
    /// The value replaced any older one. (If its deadline had passed already, the key is now absent.)
    case stored
    /// The entry is larger than ``MemoryStore/maximumEntryBytes`` and is not kept. Nothing was evicted for it, but an older value of the key was
    /// removed, since it must not be served any more.
    case tooLarge
}
