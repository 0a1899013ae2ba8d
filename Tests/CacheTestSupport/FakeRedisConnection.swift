package import Cache
package import NIOCore
package import RESP
package import RedisClient

/// A connection to Redis without a Redis: it remembers its commands, and the test says what becomes of them.
package final class FakeRedisConnection: RedisStoreConnection {
    private struct Pending {
        let command: String
        let token: UInt64
        let receiver: any RedisReplyReceiver
        var isAbandoned = false
    }

    package let eventLoop: any EventLoop
    package let counters = RedisCounters()
    package weak var delegate: (any RedisConnectionDelegate)?
    /// The commands so far, refused ones aside: `GET key`, `SET key value PX 1000`, `PING`, `EVAL 1 key argument`.
    package private(set) var commands: [String] = []
    /// The token of each of them.
    package private(set) var tokens: [UInt64] = []
    /// How often somebody wanted a connection.
    package private(set) var attempts = 0
    /// Why commands are refused; nil accepts them.
    package var refusal: RedisFailure?
    /// How many more commands are accepted before `refusal` counts.
    package var acceptedBeforeRefusal = 0
    /// Whether a batch finds room.
    package var hasRoomForBatches = true
    /// Whether the server tracks reads.
    package var isTracking = false
    /// PINGs are answered by themselves, in the next tick.
    package var answersPings = false
    private var pending: [Pending] = []
    private var endedIdentifiers: [Int64] = []

    package init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    /// The command that is answered next; nil if none waits.
    package var nextCommand: String? { self.pending.first?.command }

    // MARK: What the test says

    /// The connection is there.
    package func becomeReady() { self.delegate?.redisConnectionReady() }

    /// The next reply comes; a late one if its command was given up.
    package func reply(_ result: Result<RESPValue, RedisFailure>) {
        let next = self.pending.removeFirst()
        if next.isAbandoned { next.receiver.redisRepliedLate(token: next.token) } else { next.receiver.redisReplied(result, token: next.token) }
    }

    package func reply(_ value: RESPValue) { self.reply(.success(value)) }

    /// The time of every command that waits is over.
    package func missDeadlines() {
        for index in self.pending.indices where !self.pending[index].isAbandoned {
            self.pending[index].isAbandoned = true
            self.pending[index].receiver.redisReplied(.failure(.deadlineExceeded), token: self.pending[index].token)
        }
    }

    /// The connection is lost, or the attempt to make one has failed.
    package func lose(_ failure: RedisFailure, identifier: Int64? = nil) {
        if let identifier { self.endedIdentifiers.append(identifier) }
        let failed = self.takePending()
        self.delegate?.redisConnectionLost(failure)
        for command in failed { command.receiver.redisReplied(.failure(.connectionClosed), token: command.token) }
    }

    private func takePending() -> [Pending] {
        defer { self.pending = [] }
        return self.pending.filter { !$0.isAbandoned }
    }

    // MARK: RedisStoreConnection

    package func hasRoom(for demand: BatchDemand) -> Bool { self.hasRoomForBatches }

    package func get(_ key: ByteBuffer, token: UInt64, receiver: any RedisReplyReceiver) -> RedisFailure? {
        self.take("GET \(String(buffer: key))", token, receiver)
    }

    package func trackedGet(
        _ key: ByteBuffer, token: UInt64, receiver: any RedisReplyReceiver, consentReceiver: any RedisReplyReceiver
    ) -> RedisFailure? {
        self.take("CLIENT CACHING YES", token, consentReceiver) ?? self.take("GET \(String(buffer: key))", token, receiver)
    }

    package func pttl(_ key: ByteBuffer, token: UInt64, receiver: any RedisReplyReceiver) -> RedisFailure? {
        self.take("PTTL \(String(buffer: key))", token, receiver)
    }

    package func set(
        _ key: ByteBuffer, _ value: ByteBuffer, ttlMilliseconds: Int64?, token: UInt64, receiver: any RedisReplyReceiver
    ) -> RedisFailure? {
        self.take("SET \(String(buffer: key)) \(String(buffer: value))\(ttlMilliseconds.map { " PX \($0)" } ?? "")", token, receiver)
    }

    package func unlink(_ key: ByteBuffer, token: UInt64, receiver: any RedisReplyReceiver) -> RedisFailure? {
        self.take("UNLINK \(String(buffer: key))", token, receiver)
    }

    package func ping(token: UInt64, receiver: any RedisReplyReceiver) -> RedisFailure? {
        let refusal = self.take("PING", token, receiver)
        if refusal == nil, self.answersPings {
            self.eventLoop.assumeIsolated().execute { self.reply(.simpleString(ByteBuffer(string: "PONG"))) }
        }
        return refusal
    }

    package func exists(_ key: ByteBuffer, token: UInt64, receiver: any RedisReplyReceiver) -> RedisFailure? {
        self.take("EXISTS \(String(buffer: key))", token, receiver)
    }

    private func asking() -> RedisFailure? { self.take("ASKING", 0, SilentReceiver.shared) }

    package func askingGet(_ key: ByteBuffer, token: UInt64, receiver: any RedisReplyReceiver) -> RedisFailure? {
        self.asking() ?? self.get(key, token: token, receiver: receiver)
    }

    package func askingPTTL(_ key: ByteBuffer, token: UInt64, receiver: any RedisReplyReceiver) -> RedisFailure? {
        self.asking() ?? self.pttl(key, token: token, receiver: receiver)
    }

    package func askingSet(
        _ key: ByteBuffer, _ value: ByteBuffer, ttlMilliseconds: Int64?, token: UInt64, receiver: any RedisReplyReceiver
    ) -> RedisFailure? {
        self.asking() ?? self.set(key, value, ttlMilliseconds: ttlMilliseconds, token: token, receiver: receiver)
    }

    package func askingUnlink(_ key: ByteBuffer, token: UInt64, receiver: any RedisReplyReceiver) -> RedisFailure? {
        self.asking() ?? self.unlink(key, token: token, receiver: receiver)
    }

    package func send(_ command: [RESPArgument], token: UInt64, receiver: any RedisReplyReceiver) -> RedisFailure? {
        // The text of a script says nothing to a reader.
        let words = command.enumerated().filter { command[0].bytes != Self.evaluate || $0.offset != 1 }
        return self.take(words.map { String(buffer: $0.element.bytes) }.joined(separator: " "), token, receiver)
    }

    package func askingSend(_ command: [RESPArgument], token: UInt64, receiver: any RedisReplyReceiver) -> RedisFailure? {
        self.asking() ?? self.send(command, token: token, receiver: receiver)
    }

    private static let evaluate = ByteBuffer(string: "EVAL")

    private func take(_ command: String, _ token: UInt64, _ receiver: any RedisReplyReceiver) -> RedisFailure? {
        if let refusal = self.refusal {
            guard self.acceptedBeforeRefusal > 0 else { return refusal }
            self.acceptedBeforeRefusal -= 1
        }
        self.commands.append(command)
        self.tokens.append(token)
        self.pending.append(Pending(command: command, token: token, receiver: receiver))
        return nil
    }

    package func move(to endpoint: RedisEndpoint) {}

    package func connect() { self.attempts += 1 }

    package func disconnect() {
        for command in self.takePending() { command.receiver.redisReplied(.failure(.connectionClosed), token: command.token) }
    }

    package func takeEndedIdentifiers() -> [Int64] {
        defer { self.endedIdentifiers = [] }
        return self.endedIdentifiers
    }

    package func close() -> EventLoopFuture<Void> { self.eventLoop.makeSucceededVoidFuture() }
}

@available(*, unavailable)
extension FakeRedisConnection: Sendable {}

/// Takes the replies to `ASKING`.
private final class SilentReceiver: RedisReplyReceiver, Sendable {
    static let shared = SilentReceiver()

    func redisReplied(_ result: Result<RESPValue, RedisFailure>, token: UInt64) {}
}
