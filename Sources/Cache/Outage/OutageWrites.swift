/// What becomes of a value that was written while Redis was away, once it is back. Deletions are always carried out.
package enum OutageWrites: String, Sendable, CaseIterable {
    /// The key is deleted, so that the next reader fills it anew. Right for any number of instances: it cannot bring an older value back.
    case invalidate
    /// The value is written with what remains of its time to live. Right for a single instance only: of two that wrote the same key, the one that
    /// comes back last would win, and a key that a third has deleted meanwhile would rise again.
    case restore
}
