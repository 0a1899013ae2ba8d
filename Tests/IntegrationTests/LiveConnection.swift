import Logging
import NIOCore
import NIOPosix
import RESP
import TestSupport

@testable import RedisClient

/// A connection to a real server on an event loop of the process, made anew when it is lost, with its events as a stream: tests wait for an event,
/// not for a time.
final class LiveConnection: Sendable {
    enum Event: Sendable, Equatable {
        case ready(RedisSession?)
        case lost(RedisFailure)
    }

    private final class Observer: RedisConnectionDelegate {
        let connection: RedisConnection
        let continuation: AsyncStream<Event>.Continuation
        /// Nobody wants the connection back.
        var isClosing = false

        init(_ connection: RedisConnection, _ continuation: AsyncStream<Event>.Continuation) {
            self.connection = connection
            self.continuation = continuation
        }

        func redisConnectionReady() {
            self.continuation.yield(.ready(self.connection.session))
        }

        func redisConnectionLost(_ failure: RedisFailure) {
            self.continuation.yield(.lost(failure))
            guard !self.isClosing else { return }
            let connection = self.connection
            connection.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(10)) { connection.connect() }
        }
    }

    /// The connection as any task may use it: a hop to its event loop, the command, and a hop back.
    struct Sender: Sendable {
        let eventLoop: any EventLoop
        private let connection: NIOLoopBound<RedisConnection>

        init(_ connection: RedisConnection) {
            self.eventLoop = connection.eventLoop
            self.connection = NIOLoopBound(connection, eventLoop: connection.eventLoop)
        }

        func send(_ command: [RESPArgument]) async throws(RedisFailure) -> RESPValue {
            try await self.call { $0.send(command, token: 0, receiver: $1) }
        }

        func call(_ body: @escaping @Sendable (RedisConnection, any RedisReplyReceiver) -> RedisFailure?) async throws(RedisFailure) -> RESPValue {
            let result = await withCheckedContinuation { (continuation: CheckedContinuation<Result<RESPValue, RedisFailure>, Never>) in
                self.eventLoop.execute {
                    if let refusal = body(self.connection.value, Continuation(continuation)) { continuation.resume(returning: .failure(refusal)) }
                }
            }
            return try result.get()
        }
    }

    /// A suspended task as the receiver of one reply.
    private final class Continuation: RedisReplyReceiver {
        private let continuation: CheckedContinuation<Result<RESPValue, RedisFailure>, Never>

        init(_ continuation: CheckedContinuation<Result<RESPValue, RedisFailure>, Never>) {
            self.continuation = continuation
        }

        func redisReplied(_ result: Result<RESPValue, RedisFailure>, token: UInt64) {
            self.continuation.resume(returning: result)
        }
    }

    let sender: Sender
    private let events: AsyncStream<Event>
    private let observer: NIOLoopBound<Observer>

    /// Starts a connection; it may not be ready yet.
    static func start(_ configuration: RedisConfiguration) async throws -> LiveConnection {
        let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        return try await eventLoop.submit { LiveConnection(configuration, eventLoop) }.get()
    }

    /// Starts a connection and waits until it is ready.
    static func open(_ configuration: RedisConfiguration) async throws -> LiveConnection {
        let connection = try await self.start(configuration)
        await connection.untilReady()
        return connection
    }

    private init(_ configuration: RedisConfiguration, _ eventLoop: any EventLoop) {
        let connection = RedisConnection(
            eventLoop: eventLoop,
            configuration: configuration,
            logger: .silent
        )
        let (stream, continuation) = AsyncStream.makeStream(of: Event.self)
        let observer = Observer(connection, continuation)
        connection.delegate = observer
        self.sender = Sender(connection)
        self.events = stream
        self.observer = NIOLoopBound(observer, eventLoop: eventLoop)
        connection.connect()
    }

    var eventLoop: any EventLoop { self.sender.eventLoop }

    @discardableResult
    func untilReady() async -> RedisSession? {
        for await event in self.events {
            if case .ready(let session) = event {
                return session
            }
        }
        return nil
    }

    /// - Parameter code: a reason that does not count.
    func untilLost(otherwiseThan code: RedisFailure.Code? = nil) async -> RedisFailure? {
        for await event in self.events {
            if case .lost(let failure) = event, failure.code != code {
                return failure
            }
        }
        return nil
    }

    /// Runs on the loop, where the connection may be touched.
    func onLoop<Result: Sendable>(_ body: @escaping @Sendable (RedisConnection) -> Result) async throws -> Result {
        try await self.eventLoop.submit { body(self.observer.value.connection) }.get()
    }

    /// One command of the hot path.
    func call(_ body: @escaping @Sendable (RedisConnection, any RedisReplyReceiver) -> RedisFailure?) async throws(RedisFailure) -> RESPValue {
        try await self.sender.call(body)
    }

    func get(_ key: ByteBuffer) async throws(RedisFailure) -> RESPValue {
        try await self.call { $0.get(key, token: 0, receiver: $1) }
    }

    func set(_ key: ByteBuffer, _ value: ByteBuffer, ttlMilliseconds: Int64? = nil) async throws(RedisFailure) -> RESPValue {
        try await self.call { $0.set(key, value, ttlMilliseconds: ttlMilliseconds, token: 0, receiver: $1) }
    }

    func close() async throws {
        try await self.eventLoop.flatSubmit {
            self.observer.value.isClosing = true
            return self.observer.value.connection.close()
        }.get()
    }
}

/// For a command whose reply does not matter.
final class SilentReceiver: RedisReplyReceiver {
    func redisReplied(_ result: Result<RESPValue, RedisFailure>, token: UInt64) {}
}

extension RedisServerProcess {
    /// By the unix socket. The deadlines are long, since a busy machine is not what most tests are about.
    var configuration: RedisConfiguration {
        RedisConfiguration(
            endpoint: .unixSocket(path: self.socketPath),
            connectTimeout: .seconds(10),
            commandDeadline: .seconds(10),
            deadConnectionTimeout: .seconds(20),
            controlDeadline: .seconds(10)
        )
    }

    /// By TCP, with the name to be resolved.
    var networkConfiguration: RedisConfiguration {
        var configuration = self.configuration
        configuration.endpoint = .tcp(host: "localhost", port: self.port)
        return configuration
    }
}

extension Logger {
    static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}
