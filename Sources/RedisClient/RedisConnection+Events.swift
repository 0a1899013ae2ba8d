import Logging
import NIOCore
import RESP

/// The dispatch table: each event goes to the machine, each action of the machine is performed here.
extension RedisConnection {
    func connect() {
        let future = self.connector.connect(
            to: self.configuration.endpoint,
            on: self.eventLoop,
            timeout: self.configuration.connectTimeout
        )
        future.assumeIsolated().whenComplete { result in
            switch result {
            case .success(let channel):
                self.connected(channel)
            case .failure(let error):
                self.connectFailed(String(describing: error))
            }
        }
    }

    private func connected(_ channel: any Channel) {
        let handler = RedisChannelHandler(connection: self, limits: self.configuration.responseLimits)
        do {
            try channel.pipeline.syncOperations.addHandler(handler)
        } catch {
            channel.close(promise: nil)
            return self.connectFailed(String(describing: error))
        }
        guard channel.isActive else {
            _ = handler.close()
            return self.connectFailed("the server closed the connection")
        }
        switch self.machine.connected(handler, handshake: RedisHandshake(self.configuration), now: self.eventLoop.now) {
        case .shakeHands(let commands, let until):
            self.armTimer(at: until)
            self.shakeHands(handler, commands)
        case .close(let handler):
            _ = handler.close()
        }
    }

    private func connectFailed(_ message: String) {
        switch self.machine.connectFailed() {
        case .backOff(let pace):
            self.backOff(pace, after: RedisFailure(.connectFailed, message))
        case .none:
            break
        }
    }

    private func shakeHands(_ channel: RedisChannelHandler, _ commands: [RedisHandshake.Command]) {
        var buffer = ByteBuffer()
        for command in commands {
            RESPEncoder.write(command: command.arguments(self.configuration), into: &buffer)
        }
        channel.writeAndFlush(buffer)
    }

    func bytesArrived() {
        self.machine.bytesArrived(now: self.eventLoop.now)
    }

    func replied(_ value: RESPValue) {
        switch self.machine.replied(value) {
        case .deliver(let receiver, let token, let result):
            receiver.redisReplied(result, token: token)
        case .deliverAndLose(let receiver, let token, let failure, let loss):
            // The unfit peer is left before anybody is told: what the receiver does next must not be sent to it.
            self.lost(loss) { receiver.redisReplied(.failure(failure), token: token) }
        case .deliverAndClose(let receiver, let token, let result, let channel):
            receiver.redisReplied(result, token: token)
            self.finish(channel)
        case .push(let elements):
            self.delegate?.redisPushed(elements)
        case .shakeHands(let channel, let commands):
            self.shakeHands(channel, commands)
        case .ready(let session):
            self.becameReady(session)
        case .lost(let loss):
            self.lost(loss)
        case .close(let channel):
            self.finish(channel)
        case .none:
            break
        }
    }

    func channelFailed(_ failure: RedisFailure) {
        self.lost(self.machine.channelFailed(failure, now: self.eventLoop.now))
    }

    private func becameReady(_ session: RedisSession) {
        self.session = session
        self.activeChannel = self.machine.channel
        self.logger.info(
            "connected to Redis",
            metadata: [
                "redis.endpoint": "\(self.configuration.endpoint)",
                "redis.protocol": "\(session.protocolVersion)",
                "redis.refused": "\(session.refusedOptionalCommands)",
            ]
        )
        self.delegate?.redisConnectionReady(self)
    }

    /// - Parameter deliver: tells the receiver whose reply was the cause; runs after the delegate and before the other receivers.
    private func lost(_ loss: StateMachine.LossAction, deliver: () -> Void = {}) {
        switch loss {
        case .reconnect(let channel, let failed, let failure, let pace):
            self.leave()
            channel.abort()
            self.backOff(pace, after: failure)
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

    private func backOff(_ pace: ReconnectBackoff.Pace, after failure: RedisFailure) {
        let pause = self.backoff.pause(pace, random: Double.random(in: 0..<1))
        let isNews = self.lastFailure != failure || pace == .attempt(0)
        self.lastFailure = failure
        // The same failure again and again is one line, not a flood.
        self.logger.log(
            level: isNews ? .warning : .debug,
            "no connection to Redis",
            metadata: [
                "redis.endpoint": "\(self.configuration.endpoint)",
                "redis.failure": "\(failure)",
                "redis.message": "\(failure.logMessage ?? "")",
                "redis.retry_ms": "\(pause.nanoseconds / 1_000_000)",
            ]
        )
        self.armTimer(at: self.eventLoop.now + pause)
        self.delegate?.redisConnectionLost(self, failure: failure)
    }

    /// Forgets the channel and what was meant for it.
    private func leave() {
        self.cancelTimer()
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
            reply.receiver?.redisReplied(.failure(failure), token: reply.token)
        }
    }

    func performTimer() {
        switch self.machine.timerFired(now: self.eventLoop.now) {
        case .connect:
            self.connect()
        case .abandon(let due, let wakeUp):
            if let wakeUp {
                self.armTimer(at: wakeUp)
            }
            Self.fail(due, with: .deadlineExceeded)
        case .abandonAndLose(let due, let loss):
            self.lost(loss) { Self.fail(due, with: .deadlineExceeded) }
        case .none:
            break
        }
    }
}
