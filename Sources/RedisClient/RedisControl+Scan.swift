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

    /// Deletes every string, whatever its key: all that the service can have written or can serve, and nothing of another type that shares the
    /// database. Needs Redis 6.
    package func removeAllStrings() async throws(RedisFailure) -> Int {
        try await self.invalidate(pattern: [UInt8(ascii: "*")], type: "string")
    }

    /// Deletes every key that matches `pattern` (Redis's glob) and was there for the whole call. Returns how many UNLINK removed, so a key that SCAN
    /// gives twice counts once.
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
    ) async throws(RedisFailure) -> Int {
        var removed = 0
        var page = try self.page(await self.run([Self.scan(0, pattern, type, scanCount)]).first)
        while true {
            var commands = Self.unlinks(page.keys, batch: max(1, batch))
            let unlinkCount = commands.count
            if page.cursor != 0 {
                commands.append(Self.scan(page.cursor, pattern, type, scanCount))
            }
            let replies = try await self.run(commands)
            for reply in replies.prefix(unlinkCount) {
                guard case .integer(let count) = reply else {
                    throw .unexpectedReply
                }
                removed += Int(count)
            }
            guard page.cursor != 0 else {
                return removed
            }
            page = try self.page(replies.last)
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

    private static func unlinks(_ keys: [RESPArgument], batch: Int) -> [[RESPArgument]] {
        stride(from: 0, to: keys.count, by: batch).map { start in
            ["UNLINK"] + keys[start..<min(start + batch, keys.count)]
        }
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
