package import NIOCore

/// A store of values that answers at once or later, as one event loop sees it. Confined to that event loop.
///
/// Each operation returns its answer, or nil if `receiver` gets it later. A receiver and a token instead of a closure: an operation that waits then
/// costs no allocation. The token belongs to the receiver, which chooses it and gets it back with the answer; a store that asks another store
/// in turn is a receiver with tokens of its own.
package protocol CacheStore: AnyObject {
    /// Reads a key.
    /// - Parameters:
    ///   - acceptsCopy: whether the answer may come from a copy of an earlier read, as far as the store keeps copies.
    ///   - wantsTimeToLive: whether the caller has a use for what remains of the time to live. If not, the answer may say that there is none.
    ///   - now: nanoseconds of the monotonic clock, read a moment ago.
    /// - Returns: the answer, or nil if `receiver` gets it later.
    func get(
        _ key: ByteBuffer, acceptsCopy: Bool, wantsTimeToLive: Bool, now: Int, token: UInt64, receiver: any CacheAnswerReceiver
    ) -> CacheAnswer?

    /// Stores a value.
    /// - Parameters:
    ///   - ttlSeconds: time to live; nil for none.
    ///   - now: nanoseconds of the monotonic clock, read a moment ago.
    /// - Returns: the answer, or nil if `receiver` gets it later.
    func set(
        _ key: ByteBuffer, value: ByteBuffer, ttlSeconds: Int64?, now: Int, token: UInt64, receiver: any CacheAnswerReceiver
    ) -> CacheAnswer?

    /// Deletes a key.
    /// - Parameter now: nanoseconds of the monotonic clock, read a moment ago.
    /// - Returns: the answer, or nil if `receiver` gets it later.
    func delete(_ key: ByteBuffer, now: Int, token: UInt64, receiver: any CacheAnswerReceiver) -> CacheAnswer?

    /// Changes a key if it holds what the change expects.
    /// - Parameters:
    ///   - whileAway: what becomes of it if the shared view is needed and cannot be had.
    ///   - now: nanoseconds of the monotonic clock, read a moment ago.
    /// - Returns: the answer, or nil if `receiver` gets it later.
    func change(
        _ key: ByteBuffer, _ change: CacheChange, whileAway: ChangeWhileAway, now: Int, token: UInt64, receiver: any CacheAnswerReceiver
    ) -> CacheAnswer?

    /// Whether so much can be asked for at once. A store that waits for nobody has always room.
    func hasRoom(forBatchOf operations: [BatchOperation]) -> Bool
}

extension CacheStore {
    package func hasRoom(forBatchOf operations: [BatchOperation]) -> Bool { true }

    /// Reads a key together with its time to live.
    package func get(_ key: ByteBuffer, acceptsCopy: Bool, now: Int, token: UInt64, receiver: any CacheAnswerReceiver) -> CacheAnswer? {
        self.get(key, acceptsCopy: acceptsCopy, wantsTimeToLive: true, now: now, token: token, receiver: receiver)
    }
}

/// A caller of a store, which takes the answers that do not come at once.
package protocol CacheAnswerReceiver: AnyObject {
    /// Called exactly once for each operation that returned nil, on the event loop that asked, after that call has returned.
    /// - Parameter token: what the receiver passed with the operation.
    func cacheAnswered(_ answer: CacheAnswer, token: UInt64)
}
