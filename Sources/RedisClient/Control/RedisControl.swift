package import Logging
package import NIOCore
package import RESP

/// A second connection for long calls: invalidation by pattern, statistics. It opens at the first call and closes when idle, so the commands of the
/// event loops never wait behind a SCAN.
///
/// Usable from any task. Each step (one round trip) has the deadline `RedisConfiguration.controlDeadline`; a long call can be cancelled between its
/// steps.
package final class RedisControl: Sendable {
    /// The approximate number of keys that SCAN examines per step.
    package static let defaultScanCount = 1000
    /// Keys per UNLINK.
    package static let defaultBatch = 500

    private let eventLoop: any EventLoop
    private let onLoop: NIOLoopBoundBox<RedisControlSession>

    /// Opens no connection yet; may be called on any thread.
    package convenience init(
        eventLoop: any EventLoop, configuration: RedisConfiguration, passwordProvider: (any RedisPasswordProvider)? = nil, logger: Logger
    ) {
        self.init(
            eventLoop: eventLoop, configuration: configuration, logger: logger,
            connector: RedisSocketConnector(passwordProvider: passwordProvider))
    }

    package init(eventLoop: any EventLoop, configuration: RedisConfiguration, logger: Logger, connector: sending any RedisConnector) {
        self.eventLoop = eventLoop
        self.onLoop = NIOLoopBoundBox.makeBoxSendingValue(
            RedisControlSession(eventLoop: eventLoop, configuration: configuration, logger: logger, connector: connector),
            eventLoop: eventLoop
        )
    }

    /// What the server said of itself in the last handshake; nil before the first.
    package var session: RedisSession? {
        get async {
            // This fails only if the event loop has shut down.
            try? await self.eventLoop.submit { self.onLoop.value.lastSession }.get()
        }
    }

    /// Optional commands that the server refused in the last handshake.
    package var refusedOptionalCommands: [String] {
        get async { await self.session?.refusedOptionalCommands ?? [] }
    }

    /// Checks whether Redis answers.
    package func ping() async throws(RedisFailure) {
        _ = try await self.run([["PING"]])
    }

    /// INFO, and DBSIZE of the selected database.
    package func serverInformation() async throws(RedisFailure) -> RedisInformation {
        let replies = try await self.run([["INFO"], ["DBSIZE"]])
        guard replies.count == 2, let text = replies[0].text, case .integer(let keyCount) = replies[1] else {
            throw .unexpectedReply
        }
        return RedisInformation(info: text.readableBytesView, keyCount: keyCount)
    }

    /// Closes the connection for good, after the calls in progress have finished or failed.
    package func shutDown() async {
        // The connection is closed even if this fails.
        try? await self.eventLoop.flatSubmit { self.onLoop.value.shutDown() }.get()
    }

    /// Names another server, or another address of the same: the next connection goes there. The one that there is stays as it is.
    package func move(to endpoint: RedisEndpoint) async {
        // This fails only if the event loop has shut down.
        try? await self.eventLoop.submit { self.onLoop.value.move(to: endpoint) }.get()
    }

    /// Ends the connection at once: calls in progress fail with `connectionClosed`, and the next call opens another connection.
    /// - Returns: the server's identifiers of the connections that ended, for `fence`.
    package func disconnect() async -> [Int64] {
        let ended = self.eventLoop.submit {
            self.onLoop.value.disconnect()
            return self.onLoop.value.takeEndedIdentifiers()
        }
        // This fails only if the event loop has shut down, and every connection with it.
        return (try? await ended.get()) ?? []
    }

    /// Sends commands together. Each has its own result; Redis executes them in order.
    package func pipeline(_ commands: [[RESPArgument]]) async -> [Result<RESPValue, RedisFailure>] {
        guard !Task.isCancelled else {
            return commands.map { _ in .failure(.cancelled) }
        }
        return await withCheckedContinuation { (continuation: CheckedContinuation<RedisPipeline.Outcome, Never>) in
            self.eventLoop.execute {
                self.onLoop.value.run(commands) { continuation.resume(returning: $0) }
            }
        }
    }

    /// Sends commands together; throws the first failure.
    func run(_ commands: [[RESPArgument]]) async throws(RedisFailure) -> [RESPValue] {
        var values: [RESPValue] = []
        values.reserveCapacity(commands.count)
        for result in await self.pipeline(commands) {
            values.append(try result.get())
        }
        return values
    }
}

/// The part of `RedisControl` on its event loop: opens a connection for the first command, and closes it after some idle time.
final class RedisControlSession {
    private let eventLoop: any EventLoop
    private let idleTimeout: TimeAmount
    private let connection: RedisConnection
    /// Pipelines waiting for the connection.
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

    /// See `RedisConnection`.
    var lastSession: RedisSession? { self.connection.session }

    /// Sends the commands together, and connects first if necessary. The completion runs once, on the event loop.
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

    func move(to endpoint: RedisEndpoint) { self.connection.move(to: endpoint) }

    /// Ends the connection at once; calls in progress fail. The next call opens another.
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

    /// One timer at a time; it is set again if the connection was used in between.
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
    func redisConnectionReady() {
        let ready = self.waiting
        self.waiting = []
        for pipeline in ready {
            pipeline.send(on: self.connection)
        }
    }

    /// A long call fails as soon as Redis is unavailable, not after several attempts.
    func redisConnectionLost(_ failure: RedisFailure) {
        self.failWaiting(failure)
    }
}

@available(*, unavailable)
extension RedisControlSession: Sendable {}

/// Commands that are sent together and whose replies are wanted together.
///
/// The completion runs once, when every command was answered one way or the other, with one result per command.
final class RedisPipeline: RedisReplyReceiver {
    typealias Outcome = [Result<RESPValue, RedisFailure>]

    let commands: [[RESPArgument]]
    private var results: Outcome
    private var remaining: Int
    private let completion: (Outcome) -> Void

    init(commands: [[RESPArgument]], completion: @escaping (Outcome) -> Void) {
        self.commands = commands
        self.results = Array(repeating: .success(.null), count: commands.count)
        self.remaining = commands.count
        self.completion = completion
    }

    func send(on connection: RedisConnection) {
        guard !self.commands.isEmpty else {
            return self.completion([])
        }
        for (index, command) in self.commands.enumerated() {
            if let refusal = connection.send(command, token: UInt64(index), receiver: self) {
                self.redisReplied(.failure(refusal), token: UInt64(index))
            }
        }
    }

    /// Ends a pipeline that was never sent.
    func fail(_ failure: RedisFailure) {
        self.completion(self.commands.map { _ in .failure(failure) })
    }

    func redisReplied(_ result: Result<RESPValue, RedisFailure>, token: UInt64) {
        self.results[Int(token)] = result
        self.remaining -= 1
        if self.remaining == 0 {
            self.completion(self.results)
        }
    }
}
