@testable import CacheAPI
@testable import HTTPWire

/// Where the connection stands when something happens.
enum ConnectionStage: CaseIterable {
    case ready, awaitingCache
    /// The router waits for the rest of a request; it has the whole of it; its answer is written but not flushed.
    case routerReading, routerAnswering, routerAnswered
    /// The codec has the connection: between requests, within one, and with a whole one.
    case handedOver, codecReading, codecAnswering
    case closing, closed
}

/// Holds a machine, which cannot be copied, in a stage of its life.
final class TracedConnection {
    private var machine: ConnectionStateMachine

    init(_ stage: ConnectionStage = .ready) {
        let bounds = ConnectionStateMachine.Bounds(
            idle: 1000, request: 300, drain: 50, lastAnswer: 200, linger: 100, headBytes: 1000, pipelinedBytes: 5000, unsentBytes: 64)
        self.machine = ConnectionStateMachine(bounds)
        _ = self.machine.opened(now: 0)
        switch stage {
        case .ready: break
        case .awaitingCache: self.machine.cacheAnswersLater(token: self.machine.requestTaken())
        case .routerReading: self.forward(isWhole: false)
        case .routerAnswering: self.forward(isWhole: true)
        case .routerAnswered:
            self.forward(isWhole: true)
            self.machine.codecWroteEnd(isLast: false)
        case .handedOver: self.machine.codecTakesConnection()
        case .codecReading:
            self.machine.codecTakesConnection()
            self.machine.codecReadHead(.length(10))
        case .codecAnswering:
            self.machine.codecTakesConnection()
            self.machine.codecReadHead(.none)
            self.machine.codecReadEnd(isLast: false)
        case .closing: _ = self.machine.lastAnswerWritten(now: 0)
        case .closed: self.machine.inactive()
        }
    }

    private func forward(isWhole: Bool) {
        self.machine.routerTakesRequest()
        Array("POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n".utf8).withUnsafeBytes { self.machine.headForwarded($0) }
        self.machine.codecReadHead(.length(10))
        if isWhole { self.machine.codecReadEnd(isLast: false) }
    }

    func on<Result>(_ event: (inout ConnectionStateMachine) -> Result) -> Result { event(&self.machine) }
}
