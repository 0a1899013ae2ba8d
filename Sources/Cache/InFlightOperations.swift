import NIOCore
import RESP
import RedisClient

/// The operations of one event loop that wait for Redis, in reused slots: an operation costs no allocation.
///
/// A write whose time was over keeps its slot until its late reply, which says that it can do nothing any more.
struct InFlightOperations {
    private struct Slot {
        var operation: InFlightOperation?
        var repliesDue = 0
        /// The key of a write that was given up.
        var lateKey: ByteBuffer?
    }

    private var slots: [Slot] = []
    private var free: [Int] = []

    /// The token of one command of the operation in `slot`.
    static func token(_ slot: Int, _ command: InFlightOperation.Command) -> UInt64 {
        UInt64(slot) << 2 | command.rawValue
    }

    /// Keeps an operation until its last reply. Returns its slot.
    mutating func insert(_ operation: InFlightOperation) -> Int {
        let slot = Slot(operation: operation, repliesDue: operation.replyCount)
        guard let index = self.free.popLast() else {
            self.slots.append(slot)
            return self.slots.count - 1
        }
        self.slots[index] = slot
        return index
    }

    /// Takes the reply to the command with `token`. Returns the operation and what follows, once that is known.
    mutating func take(
        _ result: Result<RESPValue, RedisFailure>,
        token: UInt64
    ) -> (slot: Int, operation: InFlightOperation, step: InFlightOperation.Step)? {
        let index = Int(token >> 2)
        guard let command = InFlightOperation.Command(rawValue: token & 3), self.slots.indices.contains(index),
            let step = self.slots[index].operation?.take(result, of: command), let operation = self.slots[index].operation
        else {
            self.releaseReply(of: index)
            return nil
        }
        // Answered: a reply that is still due finds no operation.
        self.slots[index].operation = nil
        if case .failure(.deadlineExceeded) = result, operation.isWrite {
            self.slots[index].lateKey = operation.key
        } else {
            self.releaseReply(of: index)
        }
        return (index, operation, step)
    }

    /// Takes the late reply to the command with `token`. Returns the key, where the command was a write.
    mutating func takeLate(token: UInt64) -> ByteBuffer? {
        let index = Int(token >> 2)
        // A read gives its slot up at its deadline, so a late reply to it may name a slot that is another operation's by now; a write holds its own.
        guard token & 3 == InFlightOperation.Command.write.rawValue, self.slots.indices.contains(index), let key = self.slots[index].lateKey else {
            return nil
        }
        self.slots[index].lateKey = nil
        self.releaseReply(of: index)
        return key
    }

    /// The connection has ended: no late reply comes any more.
    mutating func dropLate() {
        for index in self.slots.indices where self.slots[index].lateKey != nil {
            self.slots[index].lateKey = nil
            self.releaseReply(of: index)
        }
    }

    private mutating func releaseReply(of index: Int) {
        guard self.slots.indices.contains(index) else { return }
        self.slots[index].repliesDue -= 1
        guard self.slots[index].repliesDue == 0 else { return }
        self.slots[index].operation = nil
        self.free.append(index)
    }
}
