package import Logging
package import NIOCore
import RESP

/// Redis as one event loop sees it: one multiplexed connection, made anew as often as its owner wants.
///
/// Commands are encoded into a batch which leaves in one write at the end of the loop's tick: the more commands a tick brings, the fewer system calls
/// each costs, and an idle loop flushes at once. Replies are matched with commands by their order. A command past its deadline is abandoned, its
/// reply dropped when it comes; only silence while replies are owed closes a socket, and an idle peer is asked now and then whether it is there
/// (networks drop idle connections without a word). Without a socket commands fail at once: nothing is queued for later.
///
/// It does not reconnect by itself: it tells its delegate, which knows the other connections of the process and when to try again.
///
/// Confined to its event loop: no lock, no promise, no task, and one timer for everything. Every decision is made by `RedisConnectionStateMachine`.
package final class RedisConnection {
    typealias StateMachine = RedisConnectionStateMachine<RedisChannelHandler, any RedisReplyReceiver>

    package let eventLoop: any EventLoop
    package private(set) var configuration: RedisConfiguration
    package weak var delegate: (any RedisConnectionDelegate)?

    /// What the server said of itself in the last handshake, e.g. for /health.
    package internal(set) var session: RedisSession?
    /// What the server called the connections that ended since the last `takeEndedIdentifiers`.
    var endedIdentifiers: [Int64] = []

    /// What happened so far.
    package let counters = RedisCounters()

    let logger: Logger
    let connector: any RedisConnector
    var machine: StateMachine
    /// The password for the handshake that is under way.
    var password: RedisPassword?
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

    /// - Parameters:
    ///   - eventLoop: where everything happens; every member is used on it only.
    ///   - passwordProvider: knows the password if it is neither in the configuration nor in a file.
    package convenience init(
        eventLoop: any EventLoop, configuration: RedisConfiguration, passwordProvider: (any RedisPasswordProvider)? = nil, logger: Logger
    ) {
        self.init(
            eventLoop: eventLoop, configuration: configuration, logger: logger,
            connector: RedisSocketConnector(passwordProvider: passwordProvider))
    }

    package init(eventLoop: any EventLoop, configuration: RedisConfiguration, logger: Logger, connector: any RedisConnector) {
        self.eventLoop = eventLoop
        self.configuration = configuration
        self.logger = logger
        self.connector = connector
        self.machine = StateMachine(
            limits: .init(
                commandDeadline: configuration.commandDeadline,
                deadConnectionTimeout: configuration.deadConnectionTimeout,
                handshakeTimeout: configuration.connectTimeout,
                keepAliveInterval: configuration.keepAliveInterval,
                maximumPendingCommands: configuration.maximumPendingCommands,
                maximumBatchBytes: configuration.maximumBatchBytes
            )
        )
    }

    /// Whether commands are accepted now.
    package var isConnected: Bool { self.machine.isReady }

    /// Whether the server, while there is a connection, says when what was read with `trackedGet` has changed.
    package var isTracking: Bool { self.machine.isReady && self.session?.isTracking == true }

    /// Makes one attempt to connect, unless there is a connection or an attempt already. The delegate hears what came of it.
    package func connect() {
        self.eventLoop.preconditionInEventLoop()
        switch self.machine.connect() {
        case .begin(let attempt):
            self.flushTask = { self.flush() }
            self.beginAttempt(attempt)
        case .none:
            break
        }
    }

    /// Names another server, or another address of the same: the next attempt goes there. The connection that there is stays as it is.
    package func move(to endpoint: RedisEndpoint) {
        self.eventLoop.preconditionInEventLoop()
        self.configuration.endpoint = endpoint
    }

    /// Ends the connection, or the attempt under way, at once. What the kernel has not delivered yet is taken back, and commands waiting for a reply
    /// fail with `connectionClosed`; the delegate hears nothing. `connect` works again afterwards.
    package func disconnect() {
        self.eventLoop.preconditionInEventLoop()
        switch self.machine.disconnect() {
        case .abort(let channel, let failed):
            self.leave()
            channel.abort()
            Self.fail(failed, with: .connectionClosed)
        case .none:
            break
        }
    }

    /// What the server called the connections that ended without every reply since the last call, for `RedisControl.fence`.
    package func takeEndedIdentifiers() -> [Int64] {
        defer { self.endedIdentifiers = [] }
        return self.endedIdentifiers
    }

    /// Closes for good. Replies owed are waited for as long as the commands' own deadlines.
    package func close() -> EventLoopFuture<Void> {
        self.close(deadline: self.eventLoop.now + self.configuration.commandDeadline)
    }

    /// Closes for good. Replies owed are waited for until `deadline`.
    func close(deadline: NIODeadline) -> EventLoopFuture<Void> {
        self.eventLoop.preconditionInEventLoop()
        let promise = self.closePromise ?? self.eventLoop.makePromise(of: Void.self)
        self.closePromise = promise
        switch self.machine.close(deadline: deadline) {
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

/// One timer for everything: deadlines, silence, handshake, pause, close. It is only ever brought forward; when it fires too early for what there is
/// to do now, the machine says when to look again. So a busy connection sets a timer once per deadline, not once per command.
extension RedisConnection {
    func armTimer(at deadline: NIODeadline) {
        guard deadline < self.timerDeadline else {
            return
        }
        self.timer?.cancel()
        self.timerDeadline = deadline
        do {
            self.timer = try self.eventLoop.assumeIsolated().scheduleCallback(at: deadline, handler: self)
        } catch {
            // The loop is shutting down: nothing has a future on it.
            self.cancelTimer()
        }
    }

    func cancelTimer() {
        self.timer?.cancel()
        self.timer = nil
        self.timerDeadline = .distantFuture
    }
}

extension RedisConnection: NIOScheduledCallbackHandler {
    package func handleScheduledCallback(eventLoop: some EventLoop) {
        self.timer = nil
        self.timerDeadline = .distantFuture
        self.performTimer()
    }
}

@available(*, unavailable)
extension RedisConnection: Sendable {}
