package import NIOCore
import RESP
package import RedisClient
import Synchronization

/// A Redis in the memory of the test, without a socket: connections reach it through the connector that `RedisConnection` and `RedisControl` take.
///
/// It replies as Redis 7.0 does to the commands that the service sends, and its clock moves only when the test moves it. A rule decides what becomes
/// of each command: it can be answered with an error, left waiting as by a server that has stopped, carried out without its reply getting through, or
/// end the connection. May be used from any thread.
package final class InMemoryRedis: Sendable {
    package struct Command: Sendable, Hashable {
        package let words: [[UInt8]]

        /// In capitals.
        package var name: String { self.words.first.map { String(decoding: $0, as: UTF8.self).uppercased() } ?? "" }

        /// With spaces between its words, as people write it.
        package var text: String { self.words.map { String(decoding: $0, as: UTF8.self) }.joined(separator: " ") }
    }

    /// What becomes of a command.
    package enum Behaviour: Sendable {
        case perform
        /// Replies with this error and carries nothing out.
        case answer(error: String)
        /// Leaves it and all that follows on its connection unread until `release`, as a server that has stopped does. If the client has closed the
        /// connection by then, the commands are carried out all the same, unless somebody has killed the client.
        case stall
        /// Carries it out, and keeps its reply and all later ones of the connection until `release`.
        case withholdReply
        /// Closes the connection instead of a reply.
        case hangUp
    }

    private struct Connection {
        /// Nil once the client has closed it.
        var channel: InProcessChannel?
        var decoder = RESPDecoder()
        var unread = ByteBuffer()
        var waiting: [Command] = []
        var isStalled = false
        var withheld: ByteBuffer?
    }

    private struct State {
        var server = InMemoryRedisServer()
        var connections: [Int64: Connection] = [:]
        var rule: @Sendable (Command) -> Behaviour = { _ in .perform }
        var isRefusing = false
        var performed: [Command] = []
    }

    private let state = Mutex(State())

    /// - Parameter password: of the user `default`; nil for none.
    package init(password: String? = nil) {
        self.state.withLock { $0.server.password = password.map { Array($0.utf8) } }
    }

    /// Sets the rule for the commands that arrive from now on.
    package func setRule(_ rule: @escaping @Sendable (Command) -> Behaviour) {
        self.state.withLock { $0.rule = rule }
    }

    /// Whether attempts to connect fail.
    package func setRefusing(_ isRefusing: Bool) {
        self.state.withLock { $0.isRefusing = isRefusing }
    }

    /// Carries out what was stalled, and sends what was withheld. What still waits is subject to the rule again, but for the command that was
    /// stalled.
    package func release() {
        self.state.withLock { state in
            for identifier in state.connections.keys.sorted() {
                guard let connection = state.connections[identifier] else { continue }
                state.connections[identifier]?.withheld = nil
                if let withheld = connection.withheld { connection.channel?.deliver(withheld) }
                guard connection.isStalled else { continue }
                state.connections[identifier]?.isStalled = false
                let command = state.connections[identifier]?.waiting.removeFirst()
                if let command { Self.perform(command, identifier, &state) }
                Self.performWaiting(identifier, &state)
            }
        }
    }

    /// Closes all connections, as a server that ends does; `.stall`ed commands are lost.
    package func hangUp() {
        self.state.withLock { state in
            for identifier in state.connections.keys { Self.end(identifier, &state) }
        }
    }

    /// Moves the server's clock, which starts at 0 and stands still otherwise.
    package func advance(milliseconds: Int64) {
        self.state.withLock { $0.server.now += milliseconds }
    }

    /// Another run of the server (a restart with its data, or a failover), as INFO tells it.
    package func setRunIdentifier(_ identifier: String) {
        self.state.withLock { $0.server.runIdentifier = identifier }
    }

    /// Stores a string, as another client would.
    package func set(_ key: String, _ value: String, ttlMilliseconds: Int64? = nil, database: Int = 0) {
        self.state.withLock { state in
            let deadline = ttlMilliseconds.map { state.server.now + $0 }
            state.server.databases[database].insert(Array(key.utf8), .string(Array(value.utf8)), deadline: deadline)
        }
    }

    /// Stores a list, as another client would: a key whose value the service can neither read nor may delete by its type.
    package func setList(_ key: String, database: Int = 0) {
        self.state.withLock { $0.server.databases[database].insert(Array(key.utf8), .list) }
    }

    /// The live keys with their values; nil for a value that is not a string.
    package func contents(database: Int = 0) -> [String: String?] {
        self.state.withLock { state in
            var contents: [String: String?] = [:]
            for (key, value) in state.server.databases[database].values(now: state.server.now) {
                let text: String? = if case .string(let bytes) = value { String(decoding: bytes, as: UTF8.self) } else { nil }
                contents.updateValue(text, forKey: String(decoding: key, as: UTF8.self))
            }
            return contents
        }
    }

    /// A client without a connection, for `reply`.
    package func addClient(identifier: Int64, serverVersion: String) {
        self.state.withLock { state in
            state.server.version = serverVersion
            _ = state.server.addClient(identifier: identifier)
        }
    }

    /// Carries out a command of a client without a connection.
    /// - Returns: the bytes that the client would read.
    package func reply(to words: [[UInt8]], from identifier: Int64) -> ByteBuffer {
        self.state.withLock { state in
            let reply = state.server.execute(words, from: identifier)
            return reply.encoded(protocolVersion: state.server.clients[identifier]?.protocolVersion ?? 2)
        }
    }

    /// Stores a list in the database that a client without a connection has selected.
    package func insertList(_ key: [UInt8], from identifier: Int64) {
        self.state.withLock { state in
            guard let client = state.server.clients[identifier] else { return }
            state.server.databases[client.database].insert(key, .list)
        }
    }

    /// The commands carried out so far, in their order.
    package var performed: [Command] { self.state.withLock { $0.performed } }

    /// The clients that the server has, those included whose end it has not noticed because they are stalled.
    package var clients: [Int64] { self.state.withLock { $0.connections.keys.sorted() } }
}

extension InMemoryRedis: RedisConnector {
    package func connect(_ configuration: RedisConfiguration, on eventLoop: any EventLoop) -> EventLoopFuture<RedisLink> {
        let channel = self.state.withLock { state -> InProcessChannel? in
            guard !state.isRefusing else { return nil }
            let identifier = state.server.addClient()
            let channel = InProcessChannel(
                eventLoop: eventLoop,
                peer: .init(received: { self.received($0, from: identifier) }, clientClosed: { self.clientClosed(identifier) }))
            state.connections[identifier] = Connection(channel: channel)
            return channel
        }
        guard let channel else {
            return eventLoop.makeFailedFuture(RedisFailure(.connectFailed, "refused by the test"))
        }
        return eventLoop.makeSucceededFuture(RedisLink(channel: channel, password: configuration.password))
    }

    private func received(_ bytes: ByteBuffer, from identifier: Int64) {
        self.state.withLock { state in
            guard var connection = state.connections[identifier] else { return }
            connection.unread.writeImmutableBuffer(bytes)
            do {
                while let value = try connection.decoder.next(&connection.unread) {
                    guard let command = Command(value) else { throw RESPError(.malformed, "not a command") }
                    connection.waiting.append(command)
                }
            } catch {
                return Self.end(identifier, &state)
            }
            state.connections[identifier] = connection
            if !connection.isStalled { Self.performWaiting(identifier, &state) }
        }
    }

    private func clientClosed(_ identifier: Int64) {
        self.state.withLock { state in
            guard state.connections[identifier]?.isStalled == true else { return Self.end(identifier, &state) }
            state.connections[identifier]?.channel = nil
        }
    }

    private static func performWaiting(_ identifier: Int64, _ state: inout State) {
        while let connection = state.connections[identifier], let command = connection.waiting.first {
            let behaviour = state.rule(command)
            if case .stall = behaviour {
                state.connections[identifier]?.isStalled = true
                return
            }
            state.connections[identifier]?.waiting.removeFirst()
            switch behaviour {
            case .stall: break
            case .perform: Self.perform(command, identifier, &state)
            case .answer(let error): Self.send(.error(error), identifier, &state)
            case .hangUp: Self.end(identifier, &state)
            case .withholdReply:
                if connection.withheld == nil { state.connections[identifier]?.withheld = ByteBuffer() }
                Self.perform(command, identifier, &state)
            }
        }
        if let connection = state.connections[identifier], connection.channel == nil { Self.end(identifier, &state) }
    }

    private static func perform(_ command: Command, _ identifier: Int64, _ state: inout State) {
        state.performed.append(command)
        var killed: [Int64] = []
        let reply = state.server.execute(command.words, from: identifier) { killed.append($0) }
        for victim in killed { Self.end(victim, &state) }
        Self.send(reply, identifier, &state)
    }

    private static func send(_ reply: InMemoryRedisReply, _ identifier: Int64, _ state: inout State) {
        let version = state.server.clients[identifier]?.protocolVersion ?? 2
        var bytes = reply.encoded(protocolVersion: version)
        if state.connections[identifier]?.withheld == nil {
            state.connections[identifier]?.channel?.deliver(bytes)
        } else {
            state.connections[identifier]?.withheld?.writeBuffer(&bytes)
        }
    }

    private static func end(_ identifier: Int64, _ state: inout State) {
        state.server.removeClient(identifier)
        state.connections.removeValue(forKey: identifier)?.channel?.hangUp()
    }
}

extension InMemoryRedis.Command {
    /// A command in the form of RESP, an array of bulk strings; nil for anything else.
    fileprivate init?(_ value: RESPValue) {
        guard case .array(let elements) = value, !elements.isEmpty else { return nil }
        var words: [[UInt8]] = []
        for element in elements {
            guard case .bulkString(let bytes) = element else { return nil }
            words.append(Array(bytes.readableBytesView))
        }
        self.words = words
    }
}
