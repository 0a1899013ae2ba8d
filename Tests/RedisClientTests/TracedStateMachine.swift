import NIOCore
import RESP

@testable import RedisClient

/// The state machine with every action as one line of text, so that a test reads as a trace. Channels are numbers, receivers are names; time is in
/// milliseconds.
final class TracedStateMachine {
    typealias Machine = RedisConnectionStateMachine<Int, String>

    enum Phase: CaseIterable {
        case idle
        case connecting
        case handshaking
        case ready
        case draining
        case closed
    }

    static let limits = Machine.Limits(
        commandDeadline: .milliseconds(30),
        deadConnectionTimeout: .milliseconds(1000),
        handshakeTimeout: .milliseconds(500),
        keepAliveInterval: .milliseconds(20_000),
        maximumPendingCommands: 4,
        maximumBatchBytes: 100
    )

    var machine = Machine(limits: TracedStateMachine.limits)

    static func time(_ milliseconds: Int64) -> NIODeadline {
        .uptimeNanoseconds(0) + .milliseconds(milliseconds)
    }

    /// A machine that went the shortest way to a state at the time 0, with channel 1; draining owes one reply, to "d".
    convenience init(_ phase: Phase) {
        self.init()
        switch phase {
        case .idle:
            break
        case .connecting:
            _ = self.start()
        case .handshaking:
            _ = self.start()
            _ = self.connected(1)
        case .ready:
            _ = self.start()
            _ = self.connected(1)
            _ = self.replied(.map([]))
            _ = self.replied(.simpleString(ByteBuffer(string: "PONG")))
        case .draining:
            _ = self.start()
            _ = self.connected(1)
            _ = self.replied(.map([]))
            _ = self.replied(.simpleString(ByteBuffer(string: "PONG")))
            _ = self.offered("d", 9)
            _ = self.close(deadline: 20)
        case .closed:
            _ = self.close(deadline: 0)
        }
    }

    var state: Phase {
        switch self.machine.state {
        case .idle: .idle
        case .connecting: .connecting
        case .handshaking: .handshaking
        case .ready: .ready
        case .draining: .draining
        case .closed: .closed
        }
    }

    func start() -> String {
        switch self.machine.connect() {
        case .begin(let attempt): "begin attempt \(attempt)"
        case .none: "none"
        }
    }

    func disconnect() -> String {
        switch self.machine.disconnect() {
        case .abort(let channel, let failed): "abort \(channel), fail \(Self.text(failed))"
        case .none: "none"
        }
    }

    func connected(_ channel: Int, attempt: Int? = nil, at now: Int64 = 0) -> String {
        let handshake = RedisHandshake(hasPassword: false, hasClientName: false, hasDatabase: false)
        return switch self.machine.connected(channel, attempt: attempt ?? self.machine.attempt, handshake: handshake, now: Self.time(now)) {
        case .shakeHands(let commands, let until): "shake hands \(commands.map(\.name)) until \(Self.text(until))"
        case .close(let channel): "close \(channel)"
        }
    }

    func connectFailed(attempt: Int? = nil) -> String {
        switch self.machine.connectFailed(attempt: attempt ?? self.machine.attempt) {
        case .tell: "tell"
        case .none: "none"
        }
    }

    func offered(_ receiver: String, _ token: UInt64, bytes: Int = 10, batch: Int = 0, at now: Int64 = 0) -> String {
        switch self.machine.offered(receiver, token: token, byteCount: bytes, batchByteCount: batch, now: Self.time(now)) {
        case .append(let wakeUp): "append, wake up \(Self.text(wakeUp))"
        case .reject(let failure): "reject \(failure)"
        }
    }

    func bytesArrived(at now: Int64) {
        self.machine.bytesArrived(now: Self.time(now))
    }

    func replied(_ value: RESPValue) -> String {
        switch self.machine.replied(value) {
        case .deliver(let receiver, let token, let result): "deliver \(receiver) \(token) \(Self.text(result))"
        case .deliverLate(let receiver, let token): "deliver late \(receiver) \(token)"
        case .deliverAndLose(let receiver, let token, let failure, let loss): "deliver \(receiver) \(token) \(failure); \(Self.text(loss))"
        case .deliverAndClose(let receiver, let token, let result, let channel): "deliver \(receiver) \(token) \(Self.text(result)); close \(channel)"
        case .push(let elements): "push \(elements.count)"
        case .shakeHands(let channel, let commands): "shake hands on \(channel) \(commands.map(\.name))"
        case .ready(let session, _): "ready RESP\(session.protocolVersion) refused \(session.refusedOptionalCommands)"
        case .lost(let loss): Self.text(loss)
        case .close(let channel): "close \(channel)"
        case .none: "none"
        }
    }

    func channelFailed() -> String {
        Self.text(self.machine.channelFailed(.connectionClosed))
    }

    func timerFired(at now: Int64) -> String {
        switch self.machine.timerFired(now: Self.time(now)) {
        case .keepAlive(let wakeUp): "keep alive, wake up \(Self.text(wakeUp))"
        case .abandon(let due, let wakeUp): "abandon \(Self.text(due)), wake up \(wakeUp.map(Self.text) ?? "never")"
        case .abandonAndLose(let due, let loss): "abandon \(Self.text(due)); \(Self.text(loss))"
        case .none: "none"
        }
    }

    func close(deadline: Int64) -> String {
        switch self.machine.close(deadline: Self.time(deadline)) {
        case .drain(let until): "drain until \(Self.text(until))"
        case .close(let channel): "close \(channel)"
        case .closed: "closed"
        case .none: "none"
        }
    }

    private static func text(_ loss: Machine.LossAction) -> String {
        switch loss {
        case .abort(let channel, let failed, let failure): "abort \(channel), fail \(self.text(failed)), \(failure)"
        case .close(let channel, let failed): "close \(channel), fail \(self.text(failed)), the end"
        case .none: "none"
        }
    }

    private static func text(_ pending: [PendingReply<String>]) -> String {
        "[" + pending.map { "\($0.receiver) \($0.token)" }.joined(separator: ", ") + "]"
    }

    private static func text(_ result: Result<RESPValue, RedisFailure>) -> String {
        switch result {
        case .success(let value): value.text.map { String(buffer: $0) } ?? "\(value)"
        case .failure(let failure): "\(failure)"
        }
    }

    private static func text(_ deadline: NIODeadline) -> String {
        "\((deadline - self.time(0)).nanoseconds / 1_000_000)"
    }
}
