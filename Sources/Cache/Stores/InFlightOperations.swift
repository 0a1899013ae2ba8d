import MemoryStore
import NIOCore
import RESP
import RedisClient

/// The operations of one event loop that wait for Redis, in slots that are used again: an operation costs no allocation.
///
/// The number of its slot is the token of an operation's commands. Replies come in the order of the commands, so no token needs to say which command
/// a reply belongs to. A slot is used again only when every reply to its commands has come, be it late, or can come no more.
struct InFlightOperations {
    /// A write whose reply has not come in time.
    struct LateWrite: Equatable {
        let key: ByteBuffer
        let slot: UInt16
    }

    private struct Slot {
        var operation: InFlightOperation?
        /// Replies that the operation has not had yet.
        var repliesOwed = 0
        /// Replies that have not come in time and are still to come.
        var repliesLate = 0
        /// A write that was given up, until its late reply.
        var lateWrite: LateWrite?
    }

    private var slots: [Slot] = []
    private var free: [Int] = []

    /// Keeps an operation until its last reply. Returns the token for its commands.
    mutating func insert(_ operation: InFlightOperation) -> UInt64 {
        let slot = Slot(operation: operation, repliesOwed: operation.replyCount)
        guard let index = self.free.popLast() else {
            self.slots.append(slot)
            return UInt64(self.slots.count - 1)
        }
        self.slots[index] = slot
        return UInt64(index)
    }

    /// Takes an operation back whose first command was refused, so that no reply comes.
    mutating func remove(_ token: UInt64) -> InFlightOperation? {
        let index = Int(token)
        let operation = self.slots[index].operation
        self.slots[index].operation = nil
        self.slots[index].repliesOwed = 0
        self.release(index)
        return operation
    }

    /// Has another read of `key` share the answer of the one that is under way. False if there is none with this token, if a change of the key is known
    /// since it was sent, or if it does not ask for the time to live that the other one wants.
    mutating func share(
        _ token: UInt64, key: ByteBuffer, wantsTimeToLive: Bool, _ fence: CoherenceFence, with waiter: InFlightOperation.Waiter
    ) -> Bool {
        let index = Int(token)
        guard let operation = self.slots[index].operation, !operation.isWrite, operation.key == key, let copy = operation.copy,
            fence.isUnchanged(copy.ticket), operation.asksTimeToLive || !wantsTimeToLive
        else { return false }
        self.slots[index].operation?.waiters.append(waiter)
        return true
    }

    /// Redis does not track the read: what it brings is not kept.
    mutating func trackingRefused(_ token: UInt64) {
        self.slots[Int(token)].operation?.copy?.isToBeKept = false
    }

    /// The question for the time to live was refused: the read is answered without.
    mutating func timeToLiveRefused(_ token: UInt64) {
        let index = Int(token)
        self.slots[index].operation?.timeToLiveRefused()
        self.slots[index].repliesOwed -= 1
    }

    /// Takes the next reply to a command with `token`. Returns the operation and what follows, once that is known.
    mutating func take(
        _ result: Result<RESPValue, RedisFailure>,
        token: UInt64
    ) -> (operation: InFlightOperation, step: InFlightOperation.Step)? {
        let index = Int(token)
        guard self.slots.indices.contains(index), self.slots[index].repliesOwed > 0 else { return nil }
        self.slots[index].repliesOwed -= 1
        if case .failure(.deadlineExceeded) = result { self.slots[index].repliesLate += 1 }
        guard let step = self.slots[index].operation?.take(result), let operation = self.slots[index].operation else {
            self.release(index)
            return nil
        }
        // Answered: a reply that is still owed finds no operation.
        self.slots[index].operation = nil
        if operation.isRecorded, self.slots[index].repliesLate > 0 {
            self.slots[index].lateWrite = LateWrite(key: operation.key, slot: operation.slot)
        }
        self.release(index)
        return (operation, step)
    }

    /// Takes the late reply to a command with `token`. Returns the key and its hash slot if the command was a write.
    ///
    /// What the reply says does not matter: carried out, refused, or sent elsewhere, which is to say not carried out, the write will change nothing more.
    mutating func takeLate(token: UInt64) -> LateWrite? {
        let index = Int(token)
        guard self.slots.indices.contains(index), self.slots[index].repliesLate > 0 else { return nil }
        let write = self.slots[index].lateWrite
        self.slots[index].lateWrite = nil
        self.slots[index].repliesLate -= 1
        self.release(index)
        return write
    }

    /// The connection has ended: no late reply comes any more.
    mutating func dropLate() {
        for index in self.slots.indices where self.slots[index].repliesLate > 0 {
            self.slots[index].lateWrite = nil
            self.slots[index].repliesLate = 0
            self.release(index)
        }
    }

    private mutating func release(_ index: Int) {
        guard self.slots[index].repliesOwed == 0, self.slots[index].repliesLate == 0 else { return }
        self.free.append(index)
    }
}
