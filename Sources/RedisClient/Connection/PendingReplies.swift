import DequeModule
import NIOCore

/// The commands that wait for a reply, in the order in which they were sent.
///
/// All commands of a connection have the same time limit, so deadlines never decrease along the queue. The abandoned commands are therefore always a
/// prefix: a count is enough to know them, the oldest live command is found in O(1), and expiry touches only the commands that expire. All operations
/// are O(1) amortised.
struct PendingReplies<Receiver> {
    enum Popped {
        /// No command was waiting.
        case none
        /// The command was abandoned; the content of its reply no longer matters.
        case abandoned(Receiver, token: UInt64)
        case live(Receiver, token: UInt64)
    }

    private var queue = Deque<PendingReply<Receiver>>()
    /// Invariant: exactly the first `abandonedCount` commands have failed with `deadlineExceeded`.
    private(set) var abandonedCount = 0

    /// The number of replies to come, including those to abandoned commands.
    var count: Int { self.queue.count }

    var isEmpty: Bool { self.queue.isEmpty }

    /// The deadline of the oldest command that is not abandoned.
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

    /// Abandons the commands whose deadline has passed, and returns them.
    mutating func abandon(dueAt now: NIODeadline) -> [PendingReply<Receiver>] {
        var due: [PendingReply<Receiver>] = []
        while let deadline = self.nextDeadline, deadline <= now {
            due.append(self.queue[self.abandonedCount])
            self.abandonedCount += 1
        }
        return due
    }

    /// Empties the queue and returns the commands that were not abandoned.
    mutating func removeAll() -> [PendingReply<Receiver>] {
        let live = Array(self.queue.dropFirst(self.abandonedCount))
        self.queue.removeAll(keepingCapacity: true)
        self.abandonedCount = 0
        return live
    }
}

/// One command that waits for its reply.
struct PendingReply<Receiver> {
    let receiver: Receiver
    let token: UInt64
    let deadline: NIODeadline
}
