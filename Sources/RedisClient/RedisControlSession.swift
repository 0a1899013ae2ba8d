import Logging
import NIOCore
import RESP

/// The loop-confined half of `RedisControl`: opens a connection when there is something to say, and closes it when there was nothing for a while.
final class RedisControlSession {
    private let eventLoop: any EventLoop
    private let idleTimeout: TimeAmount
    private let connection: RedisConnection
    /// Pipelines that wait for the connection to be ready.
    private var waiting: [RedisPipeline] = []
    private var activeCount = 0
    private var idleSince = NIODeadline.uptimeNanoseconds(0)
    private var idleTimer: Scheduled<Void>?
    private var isShutDown = false

    init(eventLoop: any EventLoop, configuration: RedisConfiguration, logger: Logger, connector: any RedisConnector) {
        self.eventLoop = eventLoop
        self.idleTimeout = configuration.controlIdleTimeout
        self.connection = RedisConnection(eventLoop: eventLoop, configuration: configuration.forControl, logger: logger, connector: connector)
        self.connection.delegate = self
    }

    var isOpen: Bool { self.connection.isConnected || !self.waiting.isEmpty }

    /// See `RedisConnection`.
    var lastSession: RedisSession? { self.connection.session }

    /// Sends the commands together, first connecting if need be. The completion runs once, on the loop.
    func run(_ commands: [[RESPArgument]], completion: @escaping (RedisPipeline.Outcome) -> Void) {
        guard !self.isShutDown else {
            return completion(commands.map { _ in .failure(.notConnected) })
        }
        self.activeCount += 1
        let pipeline = RedisPipeline(commands: commands) { outcome in
            self.ended()
            completion(outcome)
        }
        guard self.connection.isConnected else {
            self.waiting.append(pipeline)
            return self.connection.connect()
        }
        pipeline.send(on: self.connection)
    }

    /// Ends the connection at once; calls under way fail. The next call opens another.
    func disconnect() {
        self.connection.disconnect()
        self.failWaiting(.connectionClosed)
    }

    func takeEndedIdentifiers() -> [Int64] { self.connection.takeEndedIdentifiers() }

    func shutDown() -> EventLoopFuture<Void> {
        self.isShutDown = true
        self.failWaiting(.notConnected)
        self.idleTimer?.cancel()
        self.idleTimer = nil
        return self.connection.close()
    }

    private func ended() {
        self.activeCount -= 1
        if self.activeCount == 0 {
            self.idleSince = self.eventLoop.now
            self.watchIdleness(at: self.idleSince + self.idleTimeout)
        }
    }

    /// One timer at a time; it looks again later when the connection was used in between.
    private func watchIdleness(at deadline: NIODeadline) {
        guard self.idleTimer == nil, !self.isShutDown else {
            return
        }
        self.idleTimer = self.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
            self.idleTimer = nil
            guard self.activeCount == 0 else {
                return
            }
            let end = self.idleSince + self.idleTimeout
            if self.eventLoop.now >= end {
                self.connection.disconnect()
            } else {
                self.watchIdleness(at: end)
            }
        }
    }

    private func failWaiting(_ failure: RedisFailure) {
        let failed = self.waiting
        self.waiting = []
        for pipeline in failed {
            pipeline.fail(failure)
        }
    }
}

extension RedisControlSession: RedisConnectionDelegate {
    func redisConnectionReady(_ connection: RedisConnection) {
        let ready = self.waiting
        self.waiting = []
        for pipeline in ready {
            pipeline.send(on: connection)
        }
    }

    /// Who waits for a long call wants to hear at once that Redis is away, not after several attempts.
    func redisConnectionLost(_ connection: RedisConnection, failure: RedisFailure) {
        self.failWaiting(failure)
    }
}

@available(*, unavailable)
extension RedisControlSession: Sendable {}
