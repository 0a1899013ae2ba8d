package import Logging
package import NIOCore
import RESP

/// Redis as one event loop sees it: one multiplexed connection that lives for ever, whatever happens to its sockets.
///
/// Commands are encoded into a batch which leaves in one write at the end of the loop's tick: the more commands a tick brings, the fewer system calls
/// each costs, and an idle loop flushes at once. Replies are matched with commands by their order. A command past its deadline is abandoned, its
/// reply dropped when it comes; only silence while replies are owed closes a socket. Without a socket commands fail at once: nothing is queued for
/// later.
///
/// Confined to its event loop: no lock, no promise, no task, and one timer for everything. Every decision is made by `RedisConnectionStateMachine`.
package final class RedisConnection {
    typealias StateMachine = RedisConnectionStateMachine<RedisChannelHandler, any RedisReplyReceiver>

    package let eventLoop: any EventLoop
    package let configuration: RedisConfiguration
    package weak var delegate: (any RedisConnectionDelegate)?

    /// Why there was no connection the last time that there was none; kept after a reconnection. Holds no secret.
    package internal(set) var lastFailure: RedisFailure?
    /// What the server said of itself in the last handshake, e.g. for /health.
    package internal(set) var session: RedisSession?

    let logger: Logger
    let connector: any RedisConnector
    let backoff: ReconnectBackoff
    var machine: StateMachine
    var batch = RedisCommandBatch()
    /// The channel of the state ready or draining, beside the machine to spare the hot path an enum payload.
    var activeChannel: RedisChannelHandler?
    var flushIsScheduled = false
    /// The clock is read once per tick that sends anything; deadlines of one tick are equal.
    var tickStart = NIODeadline.uptimeNanoseconds(0)
    var timer: NIOScheduledCallback?
    var timerDeadline = NIODeadline.distantFuture
    var closePromise: EventLoopPromise<Void>?
    /// Made once, so that scheduling a flush allocates no closure. Holds the connection while it is started.
    var flushTask: (() -> Void)?

    /// - Parameter eventLoop: where everything happens; every member is used on it only.
    package convenience init(eventLoop: any EventLoop, configuration: RedisConfiguration, logger: Logger) {
        self.init(eventLoop: eventLoop, configuration: configuration, logger: logger, connector: RedisSocketConnector())
    }

    init(eventLoop: any EventLoop, configuration: RedisConfiguration, logger: Logger, connector: any RedisConnector) {
        self.eventLoop = eventLoop
        self.configuration = configuration
        self.logger = logger
        self.connector = connector
        self.backoff = ReconnectBackoff(base: configuration.reconnectBase, cap: configuration.reconnectCap)
        self.machine = StateMachine(
            limits: .init(
                commandDeadline: configuration.commandDeadline,
                deadConnectionTimeout: configuration.deadConnectionTimeout,
                handshakeTimeout: configuration.connectTimeout,
                stableAfter: configuration.reconnectCap,
                maximumPendingCommands: configuration.maximumPendingCommands,
                maximumBatchBytes: configuration.maximumBatchBytes
            )
        )
    }

    /// Whether commands are accepted now.
    package var isConnected: Bool { self.machine.isReady }

    /// Replies owed, those of abandoned commands included.
    package var pendingCommands: Int { self.machine.pendingCount }

    /// Commands of the server that it would not carry out at the last handshake and that the service can do without.
    package var refusedOptionalCommands: [String] { self.session?.refusedOptionalCommands ?? [] }

    /// Connects, and reconnects for ever, until `close`.
    package func start() {
        self.eventLoop.preconditionInEventLoop()
        switch self.machine.start() {
        case .connect:
            self.flushTask = { self.flush() }
            self.connect()
        case .none:
            break
        }
    }

    /// Closes for good. Replies owed are waited for until `deadline`; without one, for as long as the commands' own deadlines.
    package func close(deadline: NIODeadline? = nil) -> EventLoopFuture<Void> {
        self.eventLoop.preconditionInEventLoop()
        let promise = self.closePromise ?? self.eventLoop.makePromise(of: Void.self)
        self.closePromise = promise
        switch self.machine.close(deadline: deadline ?? self.eventLoop.now + self.configuration.commandDeadline) {
        case .drain(let until):
            self.armTimer(at: until)
        case .close(let channel):
            self.finish(channel)
        case .closed:
            self.finish(nil)
        case .none:
            break
        }
        return promise.futureResult
    }
}

@available(*, unavailable)
extension RedisConnection: Sendable {}
