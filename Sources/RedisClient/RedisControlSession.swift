import Logging
import NIOCore
import RESP

/// The loop-confined half of `RedisControl`: opens a connection when there is something to say, and closes it when there was nothing for a while.
final class RedisControlSession {
    private let eventLoop: any EventLoop
    private let configuration: RedisConfiguration
    private let logger: Logger
    private let connector: any RedisConnector
    private var connection: RedisConnection?
    /// Pipelines that wait for the connection to be ready.
    private var waiting: [RedisPipeline] = []
    private var activeCount = 0
    private var idleSince = NIODeadline.uptimeNanoseconds(0)
    private var idleTimer: Scheduled<Void>?
    private var isShutDown = false

    init(eventLoop: any EventLoop, configuration: RedisConfiguration, logger: Logger, connector: any RedisConnector) {
        self.eventLoop = eventLoop
        self.configuration = configuration.forControl
        self.logger = logger
        self.connector = connector
    }

    var isOpen: Bool { self.connection != nil }

    /// Sends the commands together, first connecting if need be. The completion runs once, on the loop.
    func run(_ commands: [[RESPArgument]], completion: @escaping (RedisPipeline.Outcome) -> Void) {
        guard !self.isShutDown else {
            return completion(.failure(.notConnected))
        }
        self.activeCount += 1
        let pipeline = RedisPipeline(commands: commands) { outcome in
            self.ended()
            completion(outcome)
        }
        guard let connection = self.connection, connection.isConnected else {
            self.waiting.append(pipeline)
            return self.open()
        }
        pipeline.send(on: connection)
    }

    func shutDown() -> EventLoopFuture<Void> {
        self.isShutDown = true
        self.failWaiting(.notConnected)
        return self.closeConnection()
    }

    private func open() {
        guard self.connection == nil else {
            return
        }
        let connection = RedisConnection(
            eventLoop: self.eventLoop,
            configuration: self.configuration,
            logger: self.logger,
            connector: self.connector
        )
        connection.delegate = self
        self.connection = connection
        connection.start()
    }

    private func closeConnection() -> EventLoopFuture<Void> {
        self.idleTimer?.cancel()
        self.idleTimer = nil
        guard let connection = self.connection else {
            return self.eventLoop.makeSucceededVoidFuture()
        }
        self.connection = nil
        connection.delegate = nil
        return connection.close()
    }

    private func ended() {
        self.activeCount -= 1
        if self.activeCount == 0 {
            self.idleSince = self.eventLoop.now
            self.watchIdleness(at: self.idleSince + self.configuration.controlIdleTimeout)
        }
    }

    /// One timer at a time; it looks again later when the connection was used in between.
    private func watchIdleness(at deadline: NIODeadline) {
        guard self.idleTimer == nil, self.connection != nil else {
            return
        }
        self.idleTimer = self.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
            self.idleTimer = nil
            guard self.activeCount == 0 else {
                return
            }
            let end = self.idleSince + self.configuration.controlIdleTimeout
            if self.eventLoop.now >= end {
                _ = self.closeConnection()
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
