import NIOCore
import RESP

/// The checks of a Redis that was unavailable, before it is used again.
extension RedisControl {
    /// Checks that Redis carries out the commands that the service needs: a read-only replica answers PING too, and so does a Redis whose user may
    /// not write.
    ///
    /// - Parameter probeKey: an unused key. Nothing is written, because `SET ... XX` stores only if the key exists. An `-OOM` error is accepted:
    ///   reads and deletions still work.
    package func verify(probeKey: [UInt8]) async throws(RedisFailure) {
        let key = RESPArgument.bytes(probeKey)
        for result in await self.pipeline([["GET", key], ["SET", key, "", "XX", "PX", "1"], ["UNLINK", key]]) {
            guard case .failure(let failure) = result, failure.serverErrorPrefix != "OOM", !failure.isAboutTheKey else {
                continue
            }
            throw failure
        }
    }

    /// The identifier of the server's run, which changes with every start and every failover; nil if the server does not report it to this user.
    package func serverIdentifier() async throws(RedisFailure) -> String? {
        switch await self.pipeline([["INFO", "server"]]).first {
        case .success(let reply): return reply.text.flatMap { RedisInformation(info: $0.readableBytesView, keyCount: nil).runIdentifier }
        case .failure(let failure) where failure.serverErrorPrefix != nil: return nil
        case .failure(let failure): throw failure
        case nil: return nil
        }
    }

    /// Makes sure that Redis no longer carries out commands from connections that have ended.
    ///
    /// A server that was stopped carries out the commands in its socket buffer when it continues, even if our end of the connection was reset long
    /// ago; the server is therefore made to close those connections. An identifier may have been reused since for another client's connection (a
    /// restarted server starts counting again), so only connections with our name are closed.
    ///
    /// - Parameters:
    ///   - identifiers: the server's identifiers of the connections that ended
    ///   - clientName: a name that only connections of this process have
    /// - Returns: false if the server does not allow this (some managed ones refuse `CLIENT`, and `CLIENT LIST ID` requires Redis 6.2).
    package func fence(_ identifiers: [Int64], clientName: String) async throws(RedisFailure) -> Bool {
        guard !identifiers.isEmpty else {
            return true
        }
        let list: RESPValue
        do throws(RedisFailure) {
            list = try await self.run([["CLIENT", "LIST", "ID"] + identifiers.map { .integer($0) }]).first ?? .null
        } catch {
            return try Self.refusedSoftly(error)
        }
        guard let text = list.text else {
            throw .unexpectedReply
        }
        let alive = RedisClientList.identifiers(in: String(buffer: text), named: clientName)
        for result in await self.pipeline(alive.map { ["CLIENT", "KILL", "ID", .integer($0)] }) {
            if case .failure(let failure) = result {
                return try Self.refusedSoftly(failure)
            }
        }
        return true
    }

    private static func refusedSoftly(_ failure: RedisFailure) throws(RedisFailure) -> Bool {
        switch failure.serverErrorPrefix {
        case "ERR", "NOPERM": return false
        default: throw failure
        }
    }
}

/// The reply to `CLIENT LIST`: one line per connection, with fields `name=value` separated by spaces.
enum RedisClientList {
    /// The identifiers of the connections with this name.
    static func identifiers(in text: String, named clientName: String) -> [Int64] {
        text.split(whereSeparator: \.isNewline).compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.contains("name=\(clientName)"), let field = fields.first(where: { $0.hasPrefix("id=") }) else {
                return nil
            }
            return Int64(field.dropFirst(3))
        }
    }
}
