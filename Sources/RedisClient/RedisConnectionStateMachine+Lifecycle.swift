import NIOCore

extension RedisConnectionStateMachine {
    /// Somebody wants the connection.
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

    /// The attempt gave a channel.
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

    /// The attempt gave nothing.
    mutating func connectFailed(attempt: Int) -> ConnectFailedAction {
        switch self.state {
        case .connecting where attempt == self.attempt:
            self.state = .idle
            return .tell
        case .idle, .connecting, .handshaking, .ready, .draining, .closed:
            return .none
        }
    }

    /// Nobody wants the channel for now; what it still owes is given up.
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

    /// The channel ended or its bytes make no sense.
    mutating func channelFailed(_ failure: RedisFailure) -> LossAction {
        self.lose(failure)
    }

    /// The time asked for has come, or an earlier one: looking too early is harmless.
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
                return .abandonAndLose(due, self.lose(RedisFailure(.unresponsive, "no byte for too long while replies were owed")))
            }
            guard let next = self.nextWakeUp else {
                let quietUntil = self.silentSince + self.limits.keepAliveInterval
                return now >= quietUntil ? .keepAlive(wakeUp: now + self.limits.keepAliveInterval) : .abandon(due, wakeUp: quietUntil)
            }
            return .abandon(due, wakeUp: next)
        case .draining(_, let until):
            let due = self.pending.abandon(dueAt: now)
            // Abandoned replies are nobody's reason to stay.
            guard now < until, self.pending.nextDeadline != nil, !self.isDead(now: now) else {
                return .abandonAndLose(due, self.lose(.connectionClosed))
            }
            return .abandon(due, wakeUp: self.nextWakeUp.map { min($0, until) } ?? until)
        case .idle, .connecting, .closed:
            return .none
        }
    }

    /// Somebody wants the connection no longer; replies owed are waited for until `deadline`.
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

    /// When to look again, while replies are owed.
    var nextWakeUp: NIODeadline? {
        guard !self.pending.isEmpty else {
            return nil
        }
        let death = self.silentSince + self.limits.deadConnectionTimeout
        return self.pending.nextDeadline.map { min($0, death) } ?? death
    }

    private func isDead(now: NIODeadline) -> Bool {
        !self.pending.isEmpty && now >= self.silentSince + self.limits.deadConnectionTimeout
    }

    /// The channel is of no use any more.
    mutating func lose(_ failure: RedisFailure) -> LossAction {
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
