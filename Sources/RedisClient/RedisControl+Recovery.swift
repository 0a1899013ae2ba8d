import NIOCore
import RESP

/// What is asked of a Redis that was away, before it is trusted again.
extension RedisControl {
    /// Makes sure that Redis carries out what the service needs: a read-only replica and a user who may not write answer PING all the same.
    ///
    /// - Parameter probeKey: a key that nobody uses. Nothing is written: `SET ... XX` stores only where the key exists. An `-OOM` is fine: reads and
    ///   deletions work.
    package func verify(probeKey: [UInt8]) async throws(RedisFailure) {
        let key = RESPArgument.bytes(probeKey)
        for result in await self.pipeline([["GET", key], ["SET", key, "", "XX", "PX", "1"], ["UNLINK", key]]) {
            guard case .failure(let failure) = result, failure.serverErrorPrefix != "OOM", !failure.isAboutTheKey else {
                continue
            }
            throw failure
        }
    }

    /// What the server calls itself, which changes with every start and with every failover to another; nil where it does not say, or not to us.
    package func serverIdentifier() async throws(RedisFailure) -> String? {
        switch await self.pipeline([["INFO", "server"]]).first {
        case .success(let reply): return reply.text.flatMap { RedisInformation(info: $0.readableBytesView, keyCount: nil).runIdentifier }
        case .failure(let failure) where failure.serverErrorPrefix != nil: return nil
        case .failure(let failure): throw failure
        case nil: return nil
        }
    }

    /// Makes sure that Redis carries out nothing any more of what it got over connections that have ended.
    ///
    /// What lies in the socket buffer of a stopped server is carried out when it goes on, though our end of the connection was reset long ago; hence
    /// the server itself is told to end those connections. A number may have been given to somebody else's connection since (a restarted server
    /// counts from the beginning): only those that carry our name are ended.
    ///
    /// - Parameters:
    ///   - identifiers: of the connections that ended
    ///   - clientName: a name that only connections of this process have
    /// - Returns: false where the server does not allow this (`CLIENT` is refused by some managed ones, `CLIENT LIST ID` came with Redis 6.2).
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
