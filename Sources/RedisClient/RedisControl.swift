package import Logging
package import NIOCore
package import RESP

/// The second connection, for calls that take long: invalidation by pattern, statistics. It opens at the first call and closes when idle, so the data
/// connections of the loops never wait behind a SCAN.
///
/// Usable from any task. Each step (one round trip) has the deadline `RedisConfiguration.controlDeadline`; a long call is cancelled between its
/// steps.
package final class RedisControl: Sendable {
    /// Keys that SCAN looks at per step, roughly.
    package static let defaultScanCount = 1000
    /// Keys per UNLINK.
    package static let defaultBatch = 500

    private let eventLoop: any EventLoop
    private let session: NIOLoopBoundBox<RedisControlSession>

    /// Opens nothing yet; may be called anywhere.
    package convenience init(
        eventLoop: any EventLoop, configuration: RedisConfiguration, passwordProvider: (any RedisPasswordProvider)? = nil, logger: Logger
    ) {
        self.init(
            eventLoop: eventLoop, configuration: configuration, logger: logger,
            connector: RedisSocketConnector(passwordProvider: passwordProvider))
    }

    init(eventLoop: any EventLoop, configuration: RedisConfiguration, logger: Logger, connector: sending any RedisConnector) {
        self.eventLoop = eventLoop
        self.session = NIOLoopBoundBox.makeBoxSendingValue(
            RedisControlSession(eventLoop: eventLoop, configuration: configuration, logger: logger, connector: connector),
            eventLoop: eventLoop
        )
    }

    /// Whether a connection is open or being opened now.
    package var isOpen: Bool {
        get async throws {
            try await self.eventLoop.submit { self.session.value.isOpen }.get()
        }
    }

    /// What the server would not carry out at the last handshake, and the service can do without.
    package var refusedOptionalCommands: [String] {
        get async {
            // It fails only where the event loop has ended.
            (try? await self.eventLoop.submit { self.session.value.lastSession?.refusedOptionalCommands ?? [] }.get()) ?? []
        }
    }

    /// Whether Redis answers now.
    package func ping() async throws(RedisFailure) {
        _ = try await self.run([["PING"]])
    }

    /// INFO, and DBSIZE of the selected database.
    package func information() async throws(RedisFailure) -> RedisInformation {
        let replies = try await self.run([["INFO"], ["DBSIZE"]])
        guard replies.count == 2, let text = replies[0].text, case .integer(let keyCount) = replies[1] else {
            throw .unexpectedReply
        }
        return RedisInformation(info: text.readableBytesView, keyCount: keyCount)
    }

    /// Closes the connection for good; calls under way are answered or fail first.
    package func shutDown() async {
        // A close that failed has closed all the same.
        try? await self.eventLoop.flatSubmit { self.session.value.shutDown() }.get()
    }

    /// Ends the connection at once: calls under way fail with `connectionClosed`, and the next call opens another connection.
    /// - Returns: what the server called the connections that ended, for `fence`.
    package func disconnect() async -> [Int64] {
        let ended = self.eventLoop.submit {
            self.session.value.disconnect()
            return self.session.value.takeEndedIdentifiers()
        }
        // It fails only where the event loop has ended, and every connection with it.
        return (try? await ended.get()) ?? []
    }

    /// Sends commands together. Each has a result of its own; the order of execution is that of the commands.
    package func pipeline(_ commands: [[RESPArgument]]) async -> [Result<RESPValue, RedisFailure>] {
        guard !Task.isCancelled else {
            return commands.map { _ in .failure(.cancelled) }
        }
        return await withCheckedContinuation { (continuation: CheckedContinuation<RedisPipeline.Outcome, Never>) in
            self.eventLoop.execute {
                self.session.value.run(commands) { continuation.resume(returning: $0) }
            }
        }
    }

    /// Sends commands together; the first failure fails all.
    func run(_ commands: [[RESPArgument]]) async throws(RedisFailure) -> [RESPValue] {
        var values: [RESPValue] = []
        values.reserveCapacity(commands.count)
        for result in await self.pipeline(commands) {
            values.append(try result.get())
        }
        return values
    }
}
