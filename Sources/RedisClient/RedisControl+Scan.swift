import NIOCore
package import RESP

/// Walks over the keys with SCAN, which never blocks Redis for longer than one step, unlike KEYS or a script that does the same.
///
/// What SCAN promises: every key that is there from beginning to end is seen at least once; others may or may not be, and any may be seen twice. A
/// page may be empty: MATCH filters what COUNT has taken. Only a cursor of 0 means the end. https://redis.io/docs/latest/commands/scan/
extension RedisControl {
    private struct Page {
        let cursor: UInt64
        let keys: [RESPArgument]
    }

    /// What came of the deletion of all keys that match a pattern.
    package struct Deletion: Sendable, Hashable {
        /// Keys that were there and are gone. UNLINK counts, so a key that SCAN gives twice counts once.
        package var removed = 0
        /// Keys that the user may not delete; one that SCAN gives twice counts twice.
        package var refused = 0

        package init(removed: Int = 0, refused: Int = 0) {
            self.removed = removed
            self.refused = refused
        }
    }

    /// Deletes every string, whatever its key: all that the service can have written or can serve, and nothing of another type that shares the
    /// database. Needs Redis 6.
    package func removeAllStrings() async throws(RedisFailure) -> Deletion {
        try await self.invalidate(pattern: [UInt8(ascii: "*")], type: "string")
    }

    /// Deletes every key that matches `pattern` (Redis's glob) and was there for the whole call, but for those that the user may not delete.
    ///
    /// The deletion of one page travels with the question for the next: one round trip per page. On an error or cancellation what was removed stays
    /// removed.
    ///
    /// - Parameters:
    ///   - scanCount: keys that Redis looks at per step, 1 or more
    ///   - batch: keys per UNLINK, 1 or more
    ///   - type: only keys of this type; nil for all
    package func invalidate(
        pattern: [UInt8],
        type: RESPArgument? = nil,
        scanCount: Int = RedisControl.defaultScanCount,
        batch: Int = RedisControl.defaultBatch
    ) async throws(RedisFailure) -> Deletion {
        var deletion = Deletion()
        var page = try self.page(await self.run([Self.scan(0, pattern, type, scanCount)]).first)
        while true {
            let batches = Self.batches(page.keys, batch: batch)
            let next = page.cursor == 0 ? [] : [Self.scan(page.cursor, pattern, type, scanCount)]
            let results = await self.pipeline(batches.map { ["UNLINK"] + $0 } + next)
            deletion.removed += try await self.removed(of: batches, results) { _ in deletion.refused += 1 }
            guard page.cursor != 0 else {
                return deletion
            }
            page = try self.page(try results.last?.get())
        }
    }

    /// Deletes these keys.
    /// - Returns: the keys that the user may not delete, by their place in `keys`.
    package func unlink(_ keys: [RESPArgument]) async throws(RedisFailure) -> Set<Int> {
        var refused: Set<Int> = []
        let batches = Self.batches(keys, batch: Self.defaultBatch)
        _ = try await self.removed(of: batches, await self.pipeline(batches.map { ["UNLINK"] + $0 })) { refused.insert($0) }
        return refused
    }

    /// Reads the replies to one UNLINK for each batch. Redis refuses the whole command if the user may not touch one of its keys; then each key is
    /// named in a command of its own, so that one cannot keep the others.
    /// - Returns: how many keys were there.
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

    /// - Returns: nil if the user may not touch a key of the command.
    private static func removed(_ result: Result<RESPValue, RedisFailure>) throws(RedisFailure) -> Int? {
        switch result {
        case .success(.integer(let count)): return Int(count)
        case .success: throw .unexpectedReply
        case .failure(let failure) where failure.isAboutTheKey: return nil
        case .failure(let failure): throw failure
        }
    }

    /// Counts the keys that match `pattern`. A key that SCAN gives twice, because the table grew or shrank meanwhile, counts twice: exactness would
    /// cost the memory of all keys.
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
