import CacheTestSupport
import NIOCore
import RESP
import RedisClient
import TestSupport
import Testing

@testable import Cache

/// What the replies of Redis lead to, operation by operation.
@Suite struct InFlightOperationsTests {
    private final class Nobody: CacheAnswerReceiver {
        func cacheAnswered(_ answer: CacheAnswer, token: UInt64) {}
    }

    private func operation(_ kind: InFlightOperation.Kind) -> InFlightOperation {
        InFlightOperation(kind: kind, key: ByteBuffer(string: "k"), slot: 5, began: 0, token: 0, receiver: Nobody())
    }

    private func description(_ step: InFlightOperation.Step?) -> String {
        switch step {
        case nil: "nothing yet"
        case .fallBack(_): "fall back"
        case .redirected(let redirect, _): "\(redirect.kind) \(redirect.slot.index)"
        case .answer(.hit(let value, let remaining, _)): "hit of \(value.count) bytes, \(remaining.map(String.init) ?? "no") ttl"
        case .answer(.miss): "miss"
        case .answer(.stored): "stored"
        case .answer(.deleted): "deleted"
        case .answer(.refused(let refusal, _)): "\(refusal)"
        case .answer(.conflict): "conflict"
        case .answer(.unavailable): "unavailable"
        case .commandRefused(let command, _): "\(command) refused"
        }
    }

    /// What the reply to GET and then the one to PTTL lead to.
    private func get(_ value: Result<RESPValue, RedisFailure>, _ timeToLive: Result<RESPValue, RedisFailure>) -> [String] {
        var operation = self.operation(.get)
        return [self.description(operation.take(value)), self.description(operation.take(timeToLive))]
    }

    @Test func getTakesTwoReplies() {
        let value = Result<RESPValue, RedisFailure>.success(.bulkString(ByteBuffer(string: "abc")))
        #expect(self.get(value, .success(.integer(1500))) == ["nothing yet", "hit of 3 bytes, 1500 ttl"])
        #expect(self.get(value, .success(.integer(-1))) == ["nothing yet", "hit of 3 bytes, no ttl"])
        #expect(self.get(value, .success(.integer(0))) == ["nothing yet", "hit of 3 bytes, 0 ttl"])
        #expect(self.get(value, .failure(.deadlineExceeded)) == ["nothing yet", "hit of 3 bytes, no ttl"])
        #expect(self.get(.success(.null), .success(.integer(-2))) == ["nothing yet", "miss"])
        #expect(self.get(.success(.oversized(byteCount: 1 << 30)), .success(.integer(-1))) == ["nothing yet", "notReadable"])
        for failure in [RedisFailure.deadlineExceeded, .queueFull, .connectionClosed, .notConnected] {
            var operation = self.operation(.get)
            #expect(self.description(operation.take(.failure(failure))) == "fall back", "a failed read does not wait for the time to live")
        }
    }

    @Test func aReadWhoseTimeToLiveCannotBeAskedTakesOneReply() {
        var operation = self.operation(.get)
        operation.timeToLiveRefused()
        #expect(self.description(operation.take(.success(.bulkString(ByteBuffer(string: "abc"))))) == "hit of 3 bytes, no ttl")
    }

    /// Only OK says that a value is stored.
    @Test(arguments: [RESPValue.null, .simpleString(ByteBuffer(string: "QUEUED")), .integer(1), .bulkString(ByteBuffer(string: "OK"))])
    func aSetThatIsNotAnsweredWithOK(_ reply: RESPValue) {
        var set = self.operation(.set(value: ByteBuffer(), ttlSeconds: nil))
        guard case .fallBack(let failure) = set.take(.success(reply)) else {
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
            #expect(self.description(set.take(.failure(.serverError(ByteBuffer(string: reply))))) == expected, "\(reply)")
        }
    }

    /// Nobody has a use for the time to live: GET alone, also when it is sent again.
    @Test func aReadWithoutTimeToLiveTakesOneReply() {
        var operation = InFlightOperation(
            kind: .get, key: ByteBuffer(string: "k"), slot: 5, began: 0, token: 0, receiver: Nobody(), asksTimeToLive: false)
        #expect(operation.replyCount == 1)
        var operations = InFlightOperations()
        let slot = operations.insert(operation)
        #expect(self.description(operations.take(.success(.bulkString(ByteBuffer(string: "abc"))), token: slot)?.step) == "hit of 3 bytes, no ttl")
        #expect(operations.insert(operation) == slot, "no reply is owed")
        operation.restart()
        #expect(operation.replyCount == 1)
        #expect(self.description(operation.take(.success(.null))) == "miss")
    }

    @Test func setAndDelete() {
        func set(_ result: Result<RESPValue, RedisFailure>) -> String {
            var operation = self.operation(.set(value: ByteBuffer(), ttlSeconds: nil))
            return self.description(operation.take(result))
        }
        func delete(_ result: Result<RESPValue, RedisFailure>) -> String {
            var operation = self.operation(.delete)
            return self.description(operation.take(result))
        }
        #expect(set(.success(.simpleOK)) == "stored")
        #expect(set(.failure(.deadlineExceeded)) == "fall back")
        #expect(delete(.success(.integer(1))) == "deleted")
        #expect(delete(.success(.integer(0))) == "miss")
        #expect(delete(.success(.simpleOK)) == "fall back")
        #expect(delete(.failure(.connectionClosed)) == "fall back")
    }

    // MARK: Changes

    private func change(_ change: CacheChange, _ result: Result<RESPValue, RedisFailure>) -> String {
        var operation = self.operation(.change(change, .refused))
        return self.description(operation.take(result))
    }

    @Test func whatChangesAreAnsweredWith() {
        let value = ByteBuffer(string: "v")
        let create = CacheChange.create(value: value, ttl: .none)
        #expect(self.change(create, .success(.simpleOK)) == "stored")
        #expect(self.change(create, .success(.null)) == "conflict")
        let replace = CacheChange.replace(expected: value, value: value, ttl: .kept)
        #expect(self.change(replace, .success(.simpleOK)) == "stored")
        #expect(self.change(replace, .success(.integer(0))) == "conflict")
        #expect(self.change(replace, .success(.null)) == "fall back")
        #expect(self.change(.remove(expected: value), .success(.integer(1))) == "deleted")
        #expect(self.change(.remove(expected: value), .success(.integer(0))) == "conflict")
        for ttl in [TimeToLive.none, .milliseconds(5)] {
            #expect(self.change(.expire(ttl: ttl), .success(.integer(1))) == "stored")
            #expect(self.change(.expire(ttl: ttl), .success(.integer(0))) == "miss")
            #expect(self.change(.expire(ttl: ttl), .success(.simpleOK)) == "fall back")
        }
        #expect(self.change(.expire(ttl: .kept), .success(.integer(-1))) == "conflict")
    }

    /// What a script meets with is said as Redis says it of a command; that there may be no scripts is no outage.
    @Test func whatRedisRefusesOfChanges() {
        let replace = CacheChange.replace(expected: ByteBuffer(), value: ByteBuffer(), ttl: .none)
        for (reply, expected) in [
            ("OOM command not allowed", "outOfMemory"), ("WRONGTYPE Operation against a key", "notReadable"),
            ("NOPERM No permissions to access a key", "notPermitted"), ("ERR Protocol error: invalid bulk length", "valueTooLargeForRedis"),
            ("NOPERM User default has no permissions to run the 'eval' command", "EVAL refused"), ("ERR unknown command 'EVAL'", "EVAL refused"),
            ("READONLY You can't write against a read only replica", "fall back"), ("BUSY Redis is busy running a script", "fall back"),
            ("MOVED 5 10.0.0.2:6379", "moved 5"),
        ] {
            #expect(self.change(replace, .failure(.serverError(ByteBuffer(string: reply)))) == expected, "\(reply)")
        }
        let refusal = RedisFailure.serverError(ByteBuffer(string: "NOPERM User default has no permissions to run the 'set' command"))
        #expect(self.change(.create(value: ByteBuffer(), ttl: .none), .failure(refusal)) == "fall back", "no SET at all is an outage")
        #expect(self.change(.expire(ttl: .milliseconds(1)), .failure(refusal)) == "EVAL refused")
    }

    // MARK: Redirects

    /// Whichever of the two replies to a read is a redirect, the read begins anew.
    @Test func redirects() {
        let moved = Result<RESPValue, RedisFailure>.failure(.serverError(ByteBuffer(string: "MOVED 5 10.0.0.2:6379")))
        let value = Result<RESPValue, RedisFailure>.success(.bulkString(ByteBuffer(string: "abc")))
        var get = self.operation(.get)
        #expect(self.description(get.take(moved)) == "moved 5")
        #expect(get.partialAnswer == nil)
        #expect(self.get(value, moved) == ["nothing yet", "moved 5"])
        #expect(get.take(value) == nil)
        #expect(self.description(get.take(moved)) == "moved 5")
        #expect(get.partialAnswer?.text == "hit abc ttl=none redis")
        get.restart()
        #expect(get.partialAnswer == nil && get.hops == 1)
        #expect(get.take(value) == nil)
        #expect(self.description(get.take(.success(.integer(7)))) == "hit of 3 bytes, 7 ttl")
        for kind in [InFlightOperation.Kind.delete, .set(value: ByteBuffer(), ttlSeconds: nil)] {
            var write = self.operation(kind)
            #expect(self.description(write.take(.failure(.serverError(ByteBuffer(string: "ASK 5 :6379"))))) == "ask 5")
            #expect(self.description(write.take(.failure(.serverError(ByteBuffer(string: "ASK 16384 :6379"))))) == "fall back")
        }
    }

    // MARK: Slots

    /// An operation is answered once, whatever still comes, and its slot is used again only when its last reply has come.
    @Test func slots() {
        var operations = InFlightOperations()
        let first = operations.insert(self.operation(.get))
        #expect(operations.take(.success(.null), token: first) == nil)
        let second = operations.insert(self.operation(.delete))
        #expect(second != first)
        #expect(self.description(operations.take(.success(.integer(-2)), token: first)?.step) == "miss")
        #expect(operations.take(.success(.integer(-2)), token: first) == nil)
        #expect(operations.insert(self.operation(.get)) == first)
    }

    @Test func theReplyOwedToAFailedReadHoldsItsSlot() {
        var operations = InFlightOperations()
        let first = operations.insert(self.operation(.get))
        #expect(
            self.description(operations.take(.failure(.serverError(ByteBuffer(string: "WRONGTYPE no string"))), token: first)?.step) == "notReadable")
        let second = operations.insert(self.operation(.get))
        #expect(second != first)
        #expect(operations.take(.success(.integer(5)), token: first) == nil)
        #expect(operations.insert(self.operation(.get)) == first)
    }

    /// A late reply may come when a later operation waits already: it must not find that one in its slot.
    @Test(arguments: [InFlightOperation.Kind.get, .delete])
    func lateRepliesHoldTheSlot(_ kind: InFlightOperation.Kind) {
        var operations = InFlightOperations()
        let operation = self.operation(kind)
        let first = operations.insert(operation)
        #expect(self.description(operations.take(.failure(.deadlineExceeded), token: first)?.step) == "fall back")
        for _ in 1..<operation.replyCount { #expect(operations.take(.failure(.deadlineExceeded), token: first) == nil) }
        for number in 0..<operation.replyCount {
            #expect(operations.insert(self.operation(.delete)) != first)
            let write = operations.takeLate(token: first)
            #expect(write?.key == (operation.isWrite && number == 0 ? operation.key : nil), "only a write has changed something")
            #expect(write == nil || write?.slot == 5)
        }
        #expect(operations.takeLate(token: first) == nil)
        #expect(operations.insert(self.operation(.get)) == first)
    }

    @Test func theEndOfTheConnectionFreesTheSlotsOfLateReplies() {
        var operations = InFlightOperations()
        let late = operations.insert(self.operation(.delete))
        let owed = operations.insert(self.operation(.delete))
        _ = operations.take(.failure(.deadlineExceeded), token: late)
        operations.dropLate()
        #expect(operations.takeLate(token: late) == nil)
        #expect(self.description(operations.take(.failure(.connectionClosed), token: owed)?.step) == "fall back")
        #expect(Set([operations.insert(self.operation(.get)), operations.insert(self.operation(.get))]) == [late, owed])
    }

    @Test func aRefusedOperationGivesItsSlotBack() {
        var operations = InFlightOperations()
        let refused = operations.insert(self.operation(.get))
        #expect(operations.remove(refused)?.key == ByteBuffer(string: "k"))
        #expect(operations.take(.success(.null), token: refused) == nil)
        #expect(operations.insert(self.operation(.get)) == refused)
    }

    /// Whatever comes in which order, every operation is answered once, with its own key, and no two share a slot.
    @Test(arguments: 0..<20 as Range<UInt64>)
    func randomHistories(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var operations = InFlightOperations()
        /// The commands that are owed a reply, in order, as a connection has them.
        var pending: [(slot: UInt64, operation: Int, isAbandoned: Bool)] = []
        var answered: [Int: Int] = [:]
        var issued = 0
        func note(_ taken: (operation: InFlightOperation, step: InFlightOperation.Step)?, _ operation: Int) {
            guard let taken else { return }
            #expect(taken.operation.token == UInt64(operation), "seed \(seed)")
            answered[operation, default: 0] += 1
        }
        for _ in 0..<2000 {
            switch Int.random(in: 0..<8, using: &random) {
            case 0, 1, 2:
                let kind: InFlightOperation.Kind = Bool.random(using: &random) ? .get : .delete
                let operation = InFlightOperation(
                    kind: kind, key: ByteBuffer(integer: issued), slot: 0, began: 0, token: UInt64(issued), receiver: Nobody())
                let slot = operations.insert(operation)
                for _ in 0..<operation.replyCount { pending.append((slot, issued, false)) }
                issued += 1
            case 3, 4, 5:
                guard !pending.isEmpty else { continue }
                let next = pending.removeFirst()
                if next.isAbandoned {
                    let key = operations.takeLate(token: next.slot)?.key
                    #expect(key == nil || key == ByteBuffer(integer: next.operation), "seed \(seed)")
                } else {
                    note(operations.take(.success(.integer(1)), token: next.slot), next.operation)
                }
            case 6:
                let count = Int.random(in: 0...pending.count, using: &random)
                for index in 0..<count where !pending[index].isAbandoned {
                    pending[index].isAbandoned = true
                    note(operations.take(.failure(.deadlineExceeded), token: pending[index].slot), pending[index].operation)
                }
            default:
                guard Int.random(in: 0..<20, using: &random) == 0 else { continue }
                operations.dropLate()
                for next in pending where !next.isAbandoned {
                    note(operations.take(.failure(.connectionClosed), token: next.slot), next.operation)
                }
                pending = []
            }
        }
        for next in pending where !next.isAbandoned { note(operations.take(.failure(.connectionClosed), token: next.slot), next.operation) }
        #expect(answered.count == issued && answered.values.allSatisfy { $0 == 1 }, "seed \(seed)")
    }
}
