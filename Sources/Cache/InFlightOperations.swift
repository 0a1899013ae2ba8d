import RESP
import RedisClient

/// The operations of one event loop that wait for Redis, in reused slots: an operation costs no allocation.
struct InFlightOperations {
    private struct Slot {
        var operation: InFlightOperation?
        var repliesDue = 0
    }

    private var slots: [Slot] = []
    private var free: [Int] = []

    /// The token of one command of the operation in `slot`.
    static func token(_ slot: Int, _ command: InFlightOperation.Command) -> UInt64 {
        UInt64(slot) << 1 | command.rawValue
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
        let index = Int(token >> 1)
        guard let command = InFlightOperation.Command(rawValue: token & 1), self.slots.indices.contains(index),
            let step = self.slots[index].operation?.take(result, of: command), let operation = self.slots[index].operation
        else {
            self.releaseReply(of: index)
            return nil
        }
        // Answered: a reply that is still due finds no operation.
        self.slots[index].operation = nil
        self.releaseReply(of: index)
        return (index, operation, step)
    }

    private mutating func releaseReply(of index: Int) {
        guard self.slots.indices.contains(index) else { return }
        self.slots[index].repliesDue -= 1
        guard self.slots[index].repliesDue == 0 else { return }
        self.slots[index].operation = nil
        self.free.append(index)
    }
}
