import Logging
import NIOCore
import RESP

/// The dispatch table: each event goes to the machine, each action of the machine is performed here.
extension RedisConnection {
    func beginAttempt(_ attempt: Int) {
        self.connector.connect(self.configuration, on: self.eventLoop).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let link):
                self.connected(link, attempt)
            case .failure(let error):
                self.connectFailed(error as? RedisFailure ?? RedisFailure(.connectFailed, String(describing: error)), attempt)
            }
        }
    }

    private func connected(_ link: RedisLink, _ attempt: Int) {
        let channel = link.channel
        let handler = RedisChannelHandler(connection: self, limits: self.configuration.responseLimits)
        do {
            try channel.pipeline.syncOperations.addHandler(handler)
        } catch {
            channel.close(promise: nil)
            return self.connectFailed(RedisFailure(.connectFailed, String(describing: error)), attempt)
        }
        guard channel.isActive else {
            _ = handler.close()
            return self.connectFailed(RedisFailure(.connectFailed, "the server closed the connection"), attempt)
        }
        let handshake = RedisHandshake(self.configuration, hasPassword: link.password != nil)
        switch self.machine.connected(handler, attempt: attempt, handshake: handshake, now: self.eventLoop.now) {
        case .shakeHands(let commands, let until):
            self.password = link.password
            self.armTimer(at: until)
            self.shakeHands(handler, commands)
        case .close(let handler):
            _ = handler.close()
        }
    }

    private func connectFailed(_ failure: RedisFailure, _ attempt: Int) {
        switch self.machine.connectFailed(attempt: attempt) {
        case .tell:
            self.tell(failure)
        case .none:
            break
        }
    }

    private func shakeHands(_ channel: RedisChannelHandler, _ commands: [RedisHandshake.Command]) {
        var buffer = ByteBuffer()
        for command in commands {
            RESPEncoder.write(command: command.arguments(self.configuration, self.password), into: &buffer)
        }
        channel.writeAndFlush(buffer)
    }

    func bytesArrived(_ count: Int) {
        self.counters.recordReceived(count)
        self.machine.bytesArrived(now: self.eventLoop.now)
    }

    func replied(_ value: RESPValue) {
        let action = self.machine.replied(value)
        self.counters.recordPending(self.machine.pendingCount)
        switch action {
        case .deliver(let receiver, let token, let result):
            receiver.redisReplied(result, token: token)
        case .deliverLate(let receiver, let token):
            self.counters.recordLateReply()
            receiver.redisRepliedLate(token: token)
        case .deliverAndLose(let receiver, let token, let failure, let loss):
            // The unfit peer is left before anyone is notified: what the receiver sends next must not go to it.
            self.lost(loss) { receiver.redisReplied(.failure(failure), token: token) }
        case .deliverAndClose(let receiver, let token, let result, let channel):
            receiver.redisReplied(result, token: token)
            self.finish(channel)
        case .push(let elements):
            self.delegate?.redisPushed(elements)
        case .shakeHands(let channel, let commands):
            self.shakeHands(channel, commands)
        case .ready(let session, let wakeUp):
            self.becameReady(session, wakeUp)
        case .lost(let loss):
            self.lost(loss)
        case .close(let channel):
            self.finish(channel)
        case .none:
            break
        }
    }

    func channelFailed(_ failure: RedisFailure) {
        self.lost(self.machine.channelFailed(failure))
    }

    private func becameReady(_ session: RedisSession, _ wakeUp: NIODeadline) {
        self.session = session
        self.counters.recordOpened()
        self.activeChannel = self.machine.channel
        self.armTimer(at: wakeUp)
        self.logger.debug(
            "connected to Redis",
            metadata: [
                "redis.endpoint": "\(self.configuration.endpoint)",
                "redis.protocol": "\(session.protocolVersion)",
                "redis.refused": "\(session.refusedOptionalCommands)",
            ]
        )
        self.delegate?.redisConnectionReady()
    }

    /// - Parameter deliver: tells the receiver whose reply was the cause; runs after the delegate and before the other receivers.
    private func lost(_ loss: StateMachine.LossAction, deliver: () -> Void = {}) {
        switch loss {
        case .abort(let channel, let failed, let failure):
            self.leave()
            channel.abort()
            self.tell(failure)
            deliver()
            Self.fail(failed, with: .connectionClosed)
        case .close(let channel, let failed):
            self.finish(channel)
            deliver()
            Self.fail(failed, with: .connectionClosed)
        case .none:
            deliver()
        }
    }

    private func tell(_ failure: RedisFailure) {
        self.counters.recordFailed()
        self.logger.debug(
            "no connection to Redis",
            metadata: [
                "redis.endpoint": "\(self.configuration.endpoint)",
                "redis.failure": "\(failure)",
                "redis.message": "\(failure.logMessage ?? "")",
            ]
        )
        self.delegate?.redisConnectionLost(failure)
    }

    /// Forgets the channel and what was meant for it, but not who it was to the server.
    func leave() {
        self.cancelTimer()
        self.counters.recordLeft()
        if self.activeChannel != nil, let identifier = self.session?.clientIdentifier {
            self.endedIdentifiers.append(identifier)
        }
        self.activeChannel = nil
        self.batch.removeAll()
    }

    /// The end of this object's life.
    func finish(_ channel: RedisChannelHandler?) {
        self.leave()
        self.flushTask = nil
        guard let promise = self.closePromise else {
            _ = channel?.close()
            return
        }
        guard let closed = channel?.close() else {
            return promise.succeed()
        }
        // The channel may have been closed by its peer in the meantime: that is no failure of a close.
        closed.whenComplete { _ in promise.succeed() }
    }

    static func fail(_ pending: [PendingReply<any RedisReplyReceiver>], with failure: RedisFailure) {
        for reply in pending {
            reply.receiver.redisReplied(.failure(failure), token: reply.token)
        }
    }

    func performTimer() {
        switch self.machine.timerFired(now: self.eventLoop.now) {
        case .keepAlive(let wakeUp):
            self.armTimer(at: wakeUp)
            // The connection is ready and owes nothing, so it accepts the command.
            _ = self.send(["PING"], token: 0, receiver: KeepAliveReceiver.shared)
        case .abandon(let due, let wakeUp):
            if let wakeUp {
                self.armTimer(at: wakeUp)
            }
            self.counters.recordDeadlinesMissed(due.count)
            Self.fail(due, with: .deadlineExceeded)
        case .abandonAndLose(let due, let loss):
            self.counters.recordDeadlinesMissed(due.count)
            self.lost(loss) { Self.fail(due, with: .deadlineExceeded) }
        case .none:
            break
        }
    }
}

/// Takes the reply to the PING of an idle connection: only that something came matters, and the state machine has seen that.
private final class KeepAliveReceiver: RedisReplyReceiver, Sendable {
    static let shared = KeepAliveReceiver()

    func redisReplied(_ result: Result<RESPValue, RedisFailure>, token: UInt64) {}
}
