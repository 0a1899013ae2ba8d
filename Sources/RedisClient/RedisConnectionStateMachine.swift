import NIOCore
import RESP

/// The life of one connection, over all its channels, as a value: it decides, and whoever owns it performs the returned actions.
///
/// It does no I/O and reads no clock. After a loss it rests until it is told to connect again: when to try is the decision of whoever sees all the
/// connections of the process. `Channel` is whatever stands for a socket and `Receiver` whoever waits for a reply; tests use plain values for
/// both.
///
/// Invariants:
/// - replies are owed (`pending`) only in the states ready and draining;
/// - deadlines along `pending` never decrease, because every command has the same time to live;
/// - a command that is given up keeps its place in `pending`, so replies are never matched with another command;
/// - a channel is in the state or in a returned action, never lost: who takes a channel out of the state says who closes it.
struct RedisConnectionStateMachine<Channel, Receiver>: ~Copyable {
    struct Limits: Hashable {
        var commandDeadline: TimeAmount
        var deadConnectionTimeout: TimeAmount
        var handshakeTimeout: TimeAmount
        /// How long a connection may be idle before the peer is asked whether it is still there.
        var keepAliveInterval: TimeAmount
        var maximumPendingCommands: Int
        var maximumBatchBytes: Int
    }

    enum State {
        /// Nobody wants a channel, or the last one was lost. Can transition to: connecting, closed
        case idle
        /// One attempt is under way. Can transition to: handshaking, idle, closed
        case connecting
        /// Connected, not yet usable. Can transition to: ready, idle, closed
        case handshaking(Channel, RedisHandshake, until: NIODeadline)
        /// Commands are accepted. Can transition to: idle, draining, closed
        case ready(Channel)
        /// Closing: no new commands, the replies owed are waited for. Can transition to: closed
        case draining(Channel, until: NIODeadline)
        /// The end.
        case closed
    }

    let limits: Limits
    var state: State
    var pending: PendingReplies<Receiver>
    /// The last time at which something came while replies were owed, or since when they are owed.
    var silentSince: NIODeadline
    /// Numbers the attempts, so that the outcome of one that was given up is not taken for that of the next.
    var attempt: Int

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

    /// A command wants to be sent. Hot path: no allocation.
    ///
    /// - Parameters:
    ///   - byteCount: what the command takes in the batch, at most
    ///   - batchByteCount: what the batch holds already
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

    /// Bytes came, whole replies or not: the peer lives.
    mutating func bytesArrived(now: NIODeadline) {
        self.silentSince = now
    }

    /// A whole reply came.
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
            // Redis says why it hangs up on a client that asked for nothing, e.g. `-ERR max number of clients reached`.
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
    /// The channel under way, if any.
    var channel: Channel? {
        switch self.state {
        case .handshaking(let channel, _, _), .ready(let channel), .draining(let channel, _): channel
        case .idle, .connecting, .closed: nil
        }
    }
}
