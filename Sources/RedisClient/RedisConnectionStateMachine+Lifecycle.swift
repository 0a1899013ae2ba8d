import NIOCore

extension RedisConnectionStateMachine {
    /// Somebody wants the connection.
    mutating func start() -> StartAction {
        switch self.state {
        case .idle:
            self.state = .connecting
            return .connect
        case .connecting, .backingOff, .handshaking, .ready, .draining, .closed:
            return .none
        }
    }

    /// The attempt gave a channel.
    mutating func connected(_ channel: Channel, handshake: RedisHandshake, now: NIODeadline) -> ConnectedAction {
        switch self.state {
        case .connecting:
            var handshake = handshake
            let commands = handshake.begin()
            let until = now + self.limits.handshakeTimeout
            self.state = .handshaking(channel, handshake, until: until)
            return .shakeHands(commands, until: until)
        case .idle, .backingOff, .handshaking, .ready, .draining, .closed:
            return .close(channel)
        }
    }

    /// The attempt gave nothing.
    mutating func connectFailed() -> ConnectFailedAction {
        switch self.state {
        case .connecting:
            self.state = .backingOff
            self.failedAttempts += 1
            return .backOff(.attempt(self.failedAttempts - 1))
        case .idle, .backingOff, .handshaking, .ready, .draining, .closed:
            return .none
        }
    }

    /// The channel ended or its bytes make no sense.
    mutating func channelFailed(_ failure: RedisFailure, now: NIODeadline) -> LossAction {
        self.lose(failure, now: now)
    }

    /// The time asked for has come, or an earlier one: looking too early is harmless.
    mutating func timerFired(now: NIODeadline) -> TimerAction {
        switch self.state {
        case .backingOff:
            self.state = .connecting
            return .connect
        case .handshaking(_, _, let until):
            guard now >= until else {
                return .abandon([], wakeUp: until)
            }
            return .abandonAndLose([], self.lose(RedisFailure(.connectFailed, "no answer to the handshake in time"), now: now))
        case .ready:
            let due = self.pending.abandon(dueAt: now)
            guard !self.isDead(now: now) else {
                return .abandonAndLose(due, self.lose(RedisFailure(.connectionClosed, "no byte for too long while replies were owed"), now: now))
            }
            return .abandon(due, wakeUp: self.nextWakeUp)
        case .draining(_, let until):
            let due = self.pending.abandon(dueAt: now)
            // Abandoned replies are nobody's reason to stay.
            guard now < until, self.pending.nextDeadline != nil, !self.isDead(now: now) else {
                return .abandonAndLose(due, self.lose(.connectionClosed, now: now))
            }
            return .abandon(due, wakeUp: self.nextWakeUp.map { min($0, until) } ?? until)
        case .idle, .connecting, .closed:
            return .none
        }
    }

    /// Somebody wants the connection no longer; replies owed are waited for until `deadline`.
    mutating func close(deadline: NIODeadline) -> CloseAction {
        switch self.state {
        case .idle, .connecting, .backingOff:
            self.state = .closed
            return .closed
        case .handshaking(let channel, _, _):
            self.state = .closed
            return .close(channel)
        case .ready(let channel, _):
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
    mutating func lose(_ failure: RedisFailure, now: NIODeadline) -> LossAction {
        switch self.state {
        case .handshaking(let channel, _, _):
            self.state = .backingOff
            self.failedAttempts += 1
            let pace: ReconnectBackoff.Pace = failure.code == .authenticationFailed ? .capped : .attempt(self.failedAttempts - 1)
            return .reconnect(channel, failed: [], failure, pace)
        case .ready(let channel, let since):
            self.state = .backingOff
            // A server that accepts connections only to drop them must not be asked at the pace of a first attempt for ever.
            let lived = now >= since + self.limits.stableAfter
            let failures = lived ? 0 : self.failedAttempts
            self.failedAttempts = failures + 1
            return .reconnect(channel, failed: self.pending.removeAll(), failure, .attempt(failures))
        case .draining(let channel, _):
            self.state = .closed
            return .close(channel, failed: self.pending.removeAll())
        case .idle, .connecting, .backingOff, .closed:
            return .none
        }
    }
}
