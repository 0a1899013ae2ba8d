import NIOCore
import RESP
import RedisClient
import Testing

@testable import Cache

/// What the replies of Redis lead to, operation by operation.
@Suite struct InFlightOperationsTests {
    private final class Nobody: CacheAnswerReceiver {
        func cacheAnswered(_ answer: CacheAnswer, token: UInt64) {}
    }

    private func operation(_ kind: InFlightOperation.Kind) -> InFlightOperation {
        InFlightOperation(kind: kind, key: ByteBuffer(string: "k"), token: 0, receiver: Nobody())
    }

    private func description(_ step: InFlightOperation.Step?) -> String {
        switch step {
        case nil: "nothing yet"
        case .fallBack(_): "fall back"
        case .answer(.hit(let value, let remaining, _)): "hit of \(value.count) bytes, \(remaining.map(String.init) ?? "no") ttl"
        case .answer(.miss): "miss"
        case .answer(.stored): "stored"
        case .answer(.deleted): "deleted"
        case .answer(.refused(let refusal, _)): "\(refusal)"
        }
    }

    private func get(_ outcome: Result<RESPValue, RedisFailure>, _ timeToLive: Result<RESPValue, RedisFailure>) -> [String] {
        var first = self.operation(.get)
        let inOrder = [self.description(first.take(outcome, of: .value)), self.description(first.take(timeToLive, of: .timeToLive))]
        var second = self.operation(.get)
        let reversed = [self.description(second.take(timeToLive, of: .timeToLive)), self.description(second.take(outcome, of: .value))]
        #expect(inOrder == reversed)
        return inOrder
    }

    @Test func getTakesTwoReplies() {
        let value = Result<RESPValue, RedisFailure>.success(.bulkString(ByteBuffer(string: "abc")))
        #expect(self.get(value, .success(.integer(1500))) == ["nothing yet", "hit of 3 bytes, 1500 ttl"])
        #expect(self.get(value, .success(.integer(-1))) == ["nothing yet", "hit of 3 bytes, no ttl"])
        #expect(self.get(value, .failure(.deadlineExceeded)) == ["nothing yet", "hit of 3 bytes, no ttl"])
        #expect(self.get(.success(.null), .success(.integer(-2))) == ["nothing yet", "miss"])
        #expect(self.get(.success(.oversized(byteCount: 1 << 30)), .success(.integer(-1))) == ["nothing yet", "notReadable"])
        for failure in [RedisFailure.deadlineExceeded, .queueFull, .connectionClosed, .notConnected] {
            var operation = self.operation(.get)
            #expect(
                self.description(operation.take(.failure(failure), of: .value)) == "fall back", "a failed read does not wait for the time to live")
        }
    }

    /// Only OK says that a value is stored.
    @Test(arguments: [RESPValue.null, .simpleString(ByteBuffer(string: "QUEUED")), .integer(1), .bulkString(ByteBuffer(string: "OK"))])
    func aSetThatIsNotAnsweredWithOK(_ reply: RESPValue) {
        var set = self.operation(.set(value: ByteBuffer(), ttlSeconds: nil))
        guard case .fallBack(let failure) = set.take(.success(reply), of: .write) else {
            Issue.record("taken for stored")
            return
        }
        #expect(failure == .unexpectedReply)
    }

    @Test func whatRedisRefuses() {
        for (reply, expected) in [
            ("OOM command not allowed", "outOfMemory"), ("WRONGTYPE Operation against a key", "notReadable"),
            ("NOPERM No permissions to access a key", "notPermitted"), ("ERR Protocol error: invalid bulk length", "valueTooLargeForRedis"),
            ("NOPERM User default has no permissions to run the 'set' command", "fall back"), ("ERR syntax error", "fall back"),
        ] {
            var set = self.operation(.set(value: ByteBuffer(), ttlSeconds: nil))
            #expect(self.description(set.take(.failure(.serverError(ByteBuffer(string: reply))), of: .write)) == expected, "\(reply)")
        }
    }

    @Test func setAndDelete() {
        var set = self.operation(.set(value: ByteBuffer(), ttlSeconds: nil))
        #expect(self.description(set.take(.success(.simpleOK), of: .write)) == "stored")
        #expect(self.description(set.take(.failure(.deadlineExceeded), of: .value)) == "fall back")
        var delete = self.operation(.delete)
        #expect(self.description(delete.take(.success(.integer(1)), of: .value)) == "deleted")
        #expect(self.description(delete.take(.success(.integer(0)), of: .value)) == "miss")
        #expect(self.description(delete.take(.failure(.connectionClosed), of: .value)) == "fall back")
    }

    /// An operation is answered once, whatever still comes.
    @Test func lateReplies() {
        var operations = InFlightOperations()
        let slot = operations.insert(self.operation(.get))
        let step = operations.take(.failure(.deadlineExceeded), token: InFlightOperations.token(slot, .value))
        #expect(self.description(step?.step) == "fall back")
        let late = operations.take(.success(.integer(5)), token: InFlightOperations.token(slot, .timeToLive))
        #expect(late == nil)
        #expect(operations.insert(self.operation(.get)) == slot)
    }

    /// Slots are used again only when every reply of their operation has come.
    @Test func slots() {
        var operations = InFlightOperations()
        let first = operations.insert(self.operation(.get))
        let early = operations.take(.success(.null), token: InFlightOperations.token(first, .value))
        #expect(early == nil)
        let second = operations.insert(self.operation(.delete))
        #expect(second != first)
        let taken = operations.take(.success(.integer(-2)), token: InFlightOperations.token(first, .timeToLive))
        #expect(taken?.slot == first)
        #expect(operations.insert(self.operation(.get)) == first)
    }
}
