import DequeModule
import NIOCore

/// The replies that Redis owes, in the order of the commands.
///
/// Every command of a connection has the same time to live, so deadlines never decrease along the queue. Hence the abandoned commands are always a
/// prefix: their number says everything, the oldest live command is found in O(1), and expiry touches only what expires. All operations are O(1)
/// amortised.
struct PendingReplies<Receiver> {
    enum Popped {
        /// Nothing was owed.
        case none
        /// The command was given up; what its reply says is of no use any more.
        case abandoned(Receiver, token: UInt64)
        case live(Receiver, token: UInt64)
    }

    private var queue = Deque<PendingReply<Receiver>>()
    /// Invariant: exactly the first `abandonedCount` elements have been told that their time is over.
    private(set) var abandonedCount = 0

    /// Replies owed, those of abandoned commands included.
    var count: Int { self.queue.count }

    var isEmpty: Bool { self.queue.isEmpty }

    /// Deadline of the oldest command that somebody still waits for.
    var nextDeadline: NIODeadline? {
        self.abandonedCount < self.queue.count ? self.queue[self.abandonedCount].deadline : nil
    }

    mutating func append(_ receiver: Receiver, token: UInt64, deadline: NIODeadline) {
        self.queue.append(PendingReply(receiver: receiver, token: token, deadline: deadline))
    }

    mutating func popFirst() -> Popped {
        guard let first = self.queue.popFirst() else {
            return .none
        }
        guard self.abandonedCount == 0 else {
            self.abandonedCount -= 1
            return .abandoned(first.receiver, token: first.token)
        }
        return .live(first.receiver, token: first.token)
    }

    /// Abandons the commands whose deadline has come and returns them with their receivers.
    mutating func abandon(dueAt now: NIODeadline) -> [PendingReply<Receiver>] {
        var due: [PendingReply<Receiver>] = []
        while let deadline = self.nextDeadline, deadline <= now {
            due.append(self.queue[self.abandonedCount])
            self.abandonedCount += 1
        }
        return due
    }

    /// Empties the queue and returns the commands that somebody still waits for.
    mutating func removeAll() -> [PendingReply<Receiver>] {
        let live = Array(self.queue.dropFirst(self.abandonedCount))
        self.queue.removeAll(keepingCapacity: true)
        self.abandonedCount = 0
        return live
    }
}
