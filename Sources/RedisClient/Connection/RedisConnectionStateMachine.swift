import NIOCore
import RESP

/// The life of one connection over all its channels, as a value: it makes the decisions, and its owner performs the actions that it returns.
///
/// It does no I/O and reads no clock. After a loss it stays idle until `connect` is called: the owner of all connections of the process decides when
/// to try again. `Channel` stands for a socket and `Receiver` for the receiver of a reply; tests use plain values for both.
///
/// Invariants:
/// - `pending` is empty in all states except ready and draining;
/// - deadlines along `pending` never decrease, because all commands have the same time limit;
/// - an abandoned command keeps its place in `pending`, so a reply is never matched with the wrong command;
/// - a channel is either in the state or in a returned action: a channel that leaves the state is closed by the action that carries it.
struct RedisConnectionStateMachine<Channel, Receiver>: ~Copyable {
    struct Limits: Hashable {
        var commandDeadline: TimeAmount
        var deadConnectionTimeout: TimeAmount
        var handshakeTimeout: TimeAmount
        /// Idle time after which a PING checks whether the peer is still there.
        var keepAliveInterval: TimeAmount
        var maximumPendingCommands: Int
        var maximumBatchBytes: Int
    }

    enum State {
        /// No channel is wanted, or the last one was lost. Can transition to: connecting, closed
        case idle
        /// An attempt is in progress. Can transition to: handshaking, idle, closed
        case connecting
        /// Connected, not yet usable. Can transition to: ready, idle, closed
        case handshaking(Channel, RedisHandshake, until: NIODeadline)
        /// Commands are accepted. Can transition to: idle, draining, closed
        case ready(Channel)
        /// Closing: accepts no new commands and waits for the remaining replies. Can transition to: closed
        case draining(Channel, until: NIODeadline)
        /// Closed for good.
        case closed
    }

    private let limits: Limits
    private(set) var state: State
    private var pending: PendingReplies<Receiver>
    /// When bytes last arrived, or when the first command was sent after all earlier ones had been answered.
    private var silentSince: NIODeadline
    /// The number of the last attempt, so that the outcome of a cancelled attempt is not mistaken for that of the next.
    private(set) var attempt: Int

    init(limits: Limits) {
        self.limits = limits
        self.state = .idle
        self.pending = PendingReplies()
        self.silentSince = .uptimeNanoseconds(0)
        self.attempt = 0
    }

    var isReady: Bool {
        switch self.state {
        case .ready: true
        case .idle, .connecting, .handshaking, .draining, .closed: false
        }
    }

    var pendingCount: Int { self.pending.count }

    /// A command is to be sent. Hot path: does not allocate.
    ///
    /// - Parameters:
    ///   - byteCount: upper bound of the command's bytes in the batch
    ///   - batchByteCount: bytes that the batch already holds
    mutating func offered(_ receiver: Receiver, token: UInt64, byteCount: Int, batchByteCount: Int, now: NIODeadline) -> OfferAction {
        switch self.state {
        case .ready:
            guard self.pending.count < self.limits.maximumPendingCommands, byteCount <= self.limits.maximumBatchBytes - batchByteCount else {
                return .reject(.queueFull)
            }
            if self.pending.isEmpty {
                self.silentSince = now
            }
            let deadline = now + self.limits.commandDeadline
            self.pending.append(receiver, token: token, deadline: deadline)
            return .append(wakeUp: min(deadline, self.silentSince + self.limits.deadConnectionTimeout))
        case .idle, .connecting, .handshaking, .draining, .closed:
            return .reject(.notConnected)
        }
    }

    /// Whether so many commands of `byteCount` bytes together would be accepted one after the other.
    func hasRoom(forCommands count: Int, byteCount: Int, batchByteCount: Int) -> Bool {
        self.isReady && self.pending.count + count <= self.limits.maximumPendingCommands
            && byteCount <= self.limits.maximumBatchBytes - batchByteCount
    }

    /// Whether so many commands of `byteCount` bytes together would be accepted and leave a quarter of the queue to others; an empty queue may be
    /// filled. Also true without a channel: then nothing is queued.
    func hasRoom(forBatchOf count: Int, byteCount: Int, batchByteCount: Int) -> Bool {
        guard self.isReady else { return true }
        let maximum = self.limits.maximumPendingCommands
        return self.pending.count + count <= (self.pending.isEmpty ? maximum : maximum - maximum / 4)
            && byteCount <= self.limits.maximumBatchBytes - batchByteCount
    }

    /// Bytes arrived, complete replies or not: the peer is alive.
    mutating func bytesArrived(now: NIODeadline) {
        self.silentSince = now
    }

    /// A complete reply arrived.
    mutating func replied(_ value: RESPValue) -> ReplyAction {
        if case .push(let elements) = value {
            return .push(elements)
        }
        switch self.state {
        case .ready:
            return self.repliedWhenReady(value)
        case .draining(let channel, _):
            return self.repliedWhenDraining(value, channel)
        case .handshaking(let channel, let handshake, let until):
            return self.repliedWhenHandshaking(value, channel, handshake, until)
        case .idle, .connecting, .closed:
            return .none
        }
    }

    private mutating func repliedWhenReady(_ value: RESPValue) -> ReplyAction {
        let popped = self.pending.popFirst()
        if case .error(let bytes) = value {
            return self.serverErred(RedisFailure.serverError(bytes), popped)
        }
        switch popped {
        case .live(let receiver, let token):
            return .deliver(receiver, token: token, .success(value))
        case .abandoned(let receiver, let token):
            return .deliverLate(receiver, token: token)
        case .none:
            return .lost(self.lose(RedisFailure(.protocolViolation, "a reply to no command")))
        }
    }

    private mutating func serverErred(_ failure: RedisFailure, _ popped: PendingReplies<Receiver>.Popped) -> ReplyAction {
        guard !failure.meansUnfitPeer else {
            let loss = self.lose(failure)
            guard case .live(let receiver, let token) = popped else {
                return .lost(loss)
            }
            return .deliverAndLose(receiver, token: token, failure, loss)
        }
        switch popped {
        case .live(let receiver, let token):
            return .deliver(receiver, token: token, .failure(failure))
        case .abandoned(let receiver, let token):
            return .deliverLate(receiver, token: token)
        case .none:
            // Redis sends the reason before it disconnects an idle client, for example `-ERR max number of clients reached`.
            return .lost(self.lose(failure))
        }
    }

    private mutating func repliedWhenDraining(_ value: RESPValue, _ channel: Channel) -> ReplyAction {
        let popped = self.pending.popFirst()
        let isLast = self.pending.isEmpty
        if isLast {
            self.state = .closed
        }
        guard case .live(let receiver, let token) = popped else {
            return isLast ? .close(channel) : .none
        }
        let result: Result<RESPValue, RedisFailure>
        if case .error(let bytes) = value {
            result = .failure(RedisFailure.serverError(bytes))
        } else {
            result = .success(value)
        }
        return isLast ? .deliverAndClose(receiver, token: token, result, channel) : .deliver(receiver, token: token, result)
    }

    private mutating func repliedWhenHandshaking(
        _ value: RESPValue,
        _ channel: Channel,
        _ handshake: RedisHandshake,
        _ until: NIODeadline
    ) -> ReplyAction {
        var handshake = handshake
        switch handshake.replied(value) {
        case .waiting:
            self.state = .handshaking(channel, handshake, until: until)
            return .none
        case .send(let commands):
            self.state = .handshaking(channel, handshake, until: until)
            return .shakeHands(channel, commands)
        case .ready(let session):
            self.state = .ready(channel)
            return .ready(session, wakeUp: self.silentSince + self.limits.keepAliveInterval)
        case .failed(let failure):
            return .lost(self.lose(failure))
        }
    }
}

extension RedisConnectionStateMachine {
    /// The current channel, if any.
    var channel: Channel? {
        switch self.state {
        case .handshaking(let channel, _, _), .ready(let channel), .draining(let channel, _): channel
        case .idle, .connecting, .closed: nil
        }
    }
}

extension RedisConnectionStateMachine {
    /// The connection is wanted.
    mutating func connect() -> ConnectAction {
        switch self.state {
        case .idle:
            self.state = .connecting
            self.attempt += 1
            return .begin(attempt: self.attempt)
        case .connecting, .handshaking, .ready, .draining, .closed:
            return .none
        }
    }

    /// The attempt succeeded.
    mutating func connected(_ channel: Channel, attempt: Int, handshake: RedisHandshake, now: NIODeadline) -> ConnectedAction {
        switch self.state {
        case .connecting where attempt == self.attempt:
            self.silentSince = now
            var handshake = handshake
            let commands = handshake.begin()
            let until = now + self.limits.handshakeTimeout
            self.state = .handshaking(channel, handshake, until: until)
            return .shakeHands(commands, until: until)
        case .idle, .connecting, .handshaking, .ready, .draining, .closed:
            return .close(channel)
        }
    }

    /// The attempt failed.
    mutating func connectFailed(attempt: Int) -> ConnectFailedAction {
        switch self.state {
        case .connecting where attempt == self.attempt:
            self.state = .idle
            return .tell
        case .idle, .connecting, .handshaking, .ready, .draining, .closed:
            return .none
        }
    }

    /// The channel is not wanted for now; commands that wait for a reply fail.
    mutating func disconnect() -> DisconnectAction {
        switch self.state {
        case .connecting:
            self.state = .idle
            return .none
        case .handshaking(let channel, _, _):
            self.state = .idle
            return .abort(channel, failed: [])
        case .ready(let channel):
            self.state = .idle
            return .abort(channel, failed: self.pending.removeAll())
        case .idle, .draining, .closed:
            return .none
        }
    }

    /// The channel ended, or its bytes are malformed.
    mutating func channelFailed(_ failure: RedisFailure) -> LossAction {
        self.lose(failure)
    }

    /// The requested time has come, or an earlier one, which is harmless.
    mutating func timerFired(now: NIODeadline) -> TimerAction {
        switch self.state {
        case .handshaking(_, _, let until):
            guard now >= until else {
                return .abandon([], wakeUp: until)
            }
            return .abandonAndLose([], self.lose(RedisFailure(.unresponsive, "no answer to the handshake in time")))
        case .ready:
            let due = self.pending.abandon(dueAt: now)
            guard !self.isDead(now: now) else {
                return .abandonAndLose(due, self.lose(RedisFailure(.unresponsive, "no bytes for too long while replies were pending")))
            }
            guard let next = self.nextWakeUp else {
                let quietUntil = self.silentSince + self.limits.keepAliveInterval
                return now >= quietUntil ? .keepAlive(wakeUp: now + self.limits.keepAliveInterval) : .abandon(due, wakeUp: quietUntil)
            }
            return .abandon(due, wakeUp: next)
        case .draining(_, let until):
            let due = self.pending.abandon(dueAt: now)
            // The replies to abandoned commands are not worth waiting for.
            guard now < until, self.pending.nextDeadline != nil, !self.isDead(now: now) else {
                return .abandonAndLose(due, self.lose(.connectionClosed))
            }
            return .abandon(due, wakeUp: self.nextWakeUp.map { min($0, until) } ?? until)
        case .idle, .connecting, .closed:
            return .none
        }
    }

    /// The connection is no longer wanted; waits for the remaining replies until `deadline`.
    mutating func close(deadline: NIODeadline) -> CloseAction {
        switch self.state {
        case .idle, .connecting:
            self.state = .closed
            return .closed
        case .handshaking(let channel, _, _):
            self.state = .closed
            return .close(channel)
        case .ready(let channel):
            guard self.pending.nextDeadline != nil else {
                _ = self.pending.removeAll()
                self.state = .closed
                return .close(channel)
            }
            self.state = .draining(channel, until: deadline)
            return .drain(until: deadline)
        case .draining, .closed:
            return .none
        }
    }

    /// When the timer is needed next, if replies are pending.
    private var nextWakeUp: NIODeadline? {
        guard !self.pending.isEmpty else {
            return nil
        }
        let death = self.silentSince + self.limits.deadConnectionTimeout
        return self.pending.nextDeadline.map { min($0, death) } ?? death
    }

    private func isDead(now: NIODeadline) -> Bool {
        !self.pending.isEmpty && now >= self.silentSince + self.limits.deadConnectionTimeout
    }

    /// The channel can no longer be used.
    private mutating func lose(_ failure: RedisFailure) -> LossAction {
        switch self.state {
        case .handshaking(let channel, _, _):
            self.state = .idle
            return .abort(channel, failed: [], failure)
        case .ready(let channel):
            self.state = .idle
            return .abort(channel, failed: self.pending.removeAll(), failure)
        case .draining(let channel, _):
            self.state = .closed
            return .close(channel, failed: self.pending.removeAll())
        case .idle, .connecting, .closed:
            return .none
        }
    }
}
