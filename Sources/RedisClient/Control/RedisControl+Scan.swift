import NIOCore
package import RESP

/// Walks over the keys with SCAN, which, unlike KEYS or an equivalent script, never blocks Redis for longer than one step.
///
/// SCAN guarantees that every key that is present from beginning to end is returned at least once; other keys may be returned, and any key may be
/// returned twice. A page may be empty, because MATCH filters the keys that COUNT has taken. Only a cursor of 0 means the end.
/// https://redis.io/docs/latest/commands/scan/
extension RedisControl {
    private struct Page {
        let cursor: UInt64
        let keys: [RESPArgument]
    }

    /// The result of deleting all keys that match a pattern.
    package struct Deletion: Sendable, Hashable {
        /// Deleted keys, as counted by UNLINK: a key that SCAN returns twice counts once.
        package var removed = 0
        /// Keys that the user may not delete; a key that SCAN returns twice counts twice.
        package var refused = 0
        /// Keys that are left, because another node has them or nobody; only of a walk key by key. At most `maximumRedirected`.
        package var redirected: [Redirected] = []

        package init(removed: Int = 0, refused: Int = 0, redirected: [Redirected] = []) {
            self.removed = removed
            self.refused = refused
            self.redirected = redirected
        }
    }

    /// Deletes every string, whatever its key: everything that the service can have written or can serve, but no other type of value in the same
    /// database. Requires Redis 6.
    /// - Parameter keyByKey: as for `invalidate`.
    package func removeAllStrings(keyByKey: Bool = false) async throws(RedisFailure) -> Deletion {
        try await self.invalidate(pattern: [UInt8(ascii: "*")], type: "string", keyByKey: keyByKey)
    }

    /// Deletes every key that matches `pattern` (Redis's glob) and is present during the whole call, except for keys that the user may not delete.
    ///
    /// The deletion of one page is sent together with the SCAN for the next: one round trip per page. After an error or cancellation, keys that were
    /// deleted stay deleted.
    ///
    /// - Parameters:
    ///   - scanCount: keys that Redis examines per step, 1 or more
    ///   - batch: keys per UNLINK, 1 or more
    ///   - type: only keys of this type; nil for all
    ///   - keyByKey: whether each key has an UNLINK of its own, as a node of a cluster requires. A key that the node says another one has is then
    ///     returned and does not end the walk.
    package func invalidate(
        pattern: [UInt8],
        type: RESPArgument? = nil,
        scanCount: Int = RedisControl.defaultScanCount,
        batch: Int = RedisControl.defaultBatch,
        keyByKey: Bool = false
    ) async throws(RedisFailure) -> Deletion {
        var deletion = Deletion()
        var page = try self.page(await self.run([Self.scan(0, pattern, type, scanCount)]).first)
        while true {
            let next = page.cursor == 0 ? nil : Self.scan(page.cursor, pattern, type, scanCount)
            let reply =
                keyByKey
                ? try await self.removeEach(page.keys, then: next, into: &deletion)
                : try await self.remove(Self.batches(page.keys, batch: batch), then: next, into: &deletion)
            guard page.cursor != 0 else {
                return deletion
            }
            page = try self.page(try reply?.get())
        }
    }

    /// Deletes the keys of one page, and asks for the next page in the same round trip.
    /// - Returns: the reply to `next`, if there is one.
    private func remove(
        _ batches: [ArraySlice<RESPArgument>], then next: [RESPArgument]?, into deletion: inout Deletion
    ) async throws(RedisFailure) -> Result<RESPValue, RedisFailure>? {
        let results = await self.pipeline(batches.map { ["UNLINK"] + $0 } + (next.map { [$0] } ?? []))
        deletion.removed += try await self.removed(of: batches, results) { _ in deletion.refused += 1 }
        return next == nil ? nil : results.last
    }

    /// Deletes these keys.
    /// - Returns: the indices in `keys` of the keys that the user may not delete.
    package func unlink(_ keys: [RESPArgument]) async throws(RedisFailure) -> Set<Int> {
        var refused: Set<Int> = []
        let batches = Self.batches(keys, batch: Self.defaultBatch)
        _ = try await self.removed(of: batches, await self.pipeline(batches.map { ["UNLINK"] + $0 })) { refused.insert($0) }
        return refused
    }

    /// Evaluates the replies to one UNLINK per batch. Redis refuses the whole command if the user may not access one of its keys; each key of the
    /// batch is then deleted with its own command, so that one key does not protect the others.
    /// - Returns: the number of keys deleted.
    private func removed(
        of batches: [ArraySlice<RESPArgument>], _ results: [Result<RESPValue, RedisFailure>], refused: (Int) -> Void
    ) async throws(RedisFailure) -> Int {
        var removed = 0
        for (batch, result) in zip(batches, results) {
            if let count = try Self.removed(result) {
                removed += count
                continue
            }
            for (index, result) in zip(batch.indices, await self.pipeline(batch.map { ["UNLINK", $0] })) {
                if let count = try Self.removed(result) { removed += count } else { refused(index) }
            }
        }
        return removed
    }

    /// - Returns: nil if the user may not access a key of the command.
    private static func removed(_ result: Result<RESPValue, RedisFailure>) throws(RedisFailure) -> Int? {
        switch result {
        case .success(.integer(let count)): return Int(count)
        case .success: throw .unexpectedReply
        case .failure(let failure) where failure.isAboutTheKey: return nil
        case .failure(let failure): throw failure
        }
    }

    /// Counts the keys that match `pattern`. A key that SCAN returns twice, because the table was resized in between, counts twice: an exact count
    /// would need memory for all keys.
    package func countKeys(matching pattern: [UInt8], scanCount: Int = RedisControl.defaultScanCount) async throws(RedisFailure) -> Int {
        var count = 0
        var cursor: UInt64 = 0
        repeat {
            let page = try self.page(await self.run([Self.scan(cursor, pattern, nil, scanCount)]).first)
            count += page.keys.count
            cursor = page.cursor
        } while cursor != 0
        return count
    }

    private static func scan(_ cursor: UInt64, _ pattern: [UInt8], _ type: RESPArgument?, _ count: Int) -> [RESPArgument] {
        ["SCAN", .integer(cursor), "MATCH", .bytes(pattern), "COUNT", .integer(max(1, count))] + (type.map { ["TYPE", $0] } ?? [])
    }

    private static func batches(_ keys: [RESPArgument], batch: Int) -> [ArraySlice<RESPArgument>] {
        let batch = max(1, batch)
        return stride(from: 0, to: keys.count, by: batch).map { keys[$0..<min($0 + batch, keys.count)] }
    }

    private func page(_ reply: RESPValue?) throws(RedisFailure) -> Page {
        guard case .array(let parts) = reply, parts.count == 2,
            case .bulkString(let digits) = parts[0], let cursor = UInt64(String(buffer: digits)),
            case .array(let elements) = parts[1]
        else {
            throw .unexpectedReply
        }
        var keys: [RESPArgument] = []
        keys.reserveCapacity(elements.count)
        for element in elements {
            guard case .bulkString(let key) = element else {
                throw .unexpectedReply
            }
            keys.append(RESPArgument(key))
        }
        return Page(cursor: cursor, keys: keys)
    }
}
