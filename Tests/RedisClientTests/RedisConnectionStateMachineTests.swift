import NIOCore
import RESP
import Testing

@testable import RedisClient

private func error(_ text: String) -> RESPValue {
    .error(ByteBuffer(string: text))
}

private func bulk(_ text: String) -> RESPValue {
    .bulkString(ByteBuffer(string: text))
}

/// Every event in every state, one line each.
@Suite
struct RedisConnectionStateMachineTests {
    typealias Phase = TracedStateMachine.Phase

    private func expect(
        _ event: (TracedStateMachine) -> String,
        _ expected: [Phase: (action: String, next: Phase)],
        _ location: SourceLocation = #_sourceLocation
    ) {
        for phase in Phase.allCases {
            let machine = TracedStateMachine(phase)
            #expect(machine.state == phase, sourceLocation: location)
            let action = event(machine)
            #expect(action == expected[phase]?.action, "in \(phase)", sourceLocation: location)
            #expect(machine.state == expected[phase]?.next, "after \(phase)", sourceLocation: location)
        }
    }

    @Test("start connects once")
    func start() {
        self.expect(
            { $0.start() },
            [
                .idle: ("begin attempt 1", .connecting), .connecting: ("none", .connecting),
                .handshaking: ("none", .handshaking), .ready: ("none", .ready), .draining: ("none", .draining), .closed: ("none", .closed),
            ]
        )
    }

    @Test("a channel is welcome only while connecting")
    func connected() {
        self.expect(
            { $0.connected(2, at: 7) },
            [
                .idle: ("close 2", .idle), .connecting: (#"shake hands ["HELLO", "PING"] until 507"#, .handshaking),
                .handshaking: ("close 2", .handshaking), .ready: ("close 2", .ready),
                .draining: ("close 2", .draining), .closed: ("close 2", .closed),
            ]
        )
    }

    @Test("a failed attempt counts only while connecting")
    func connectFailed() {
        self.expect(
            { $0.connectFailed() },
            [
                .idle: ("none", .idle), .connecting: ("tell", .idle),
                .handshaking: ("none", .handshaking), .ready: ("none", .ready), .draining: ("none", .draining), .closed: ("none", .closed),
            ]
        )
    }

    @Test("commands are taken only when ready")
    func offered() {
        self.expect(
            { $0.offered("a", 1, at: 5) },
            [
                .idle: ("reject notConnected", .idle), .connecting: ("reject notConnected", .connecting),
                .handshaking: ("reject notConnected", .handshaking),
                .ready: ("append, wake up 35", .ready), .draining: ("reject notConnected", .draining), .closed: ("reject notConnected", .closed),
            ]
        )
    }

    @Test("a reply belongs to the handshake or to the oldest command")
    func replied() {
        self.expect(
            { $0.replied(bulk("v")) },
            [
                .idle: ("none", .idle), .connecting: ("none", .connecting),
                .handshaking: ("none", .handshaking), .ready: ("abort 1, fail [], protocolViolation", .idle),
                .draining: ("deliver d 9 v; close 1", .closed), .closed: ("none", .closed),
            ]
        )
    }

    @Test("a push belongs to nobody's command")
    func push() {
        for phase in Phase.allCases {
            let machine = TracedStateMachine(phase)
            #expect(machine.replied(.push([.null, .null])) == "push 2")
            #expect(machine.state == phase)
        }
    }

    @Test("the end of the channel means rest, or the end")
    func channelFailed() {
        self.expect(
            { $0.channelFailed() },
            [
                .idle: ("none", .idle), .connecting: ("none", .connecting),
                .handshaking: ("abort 1, fail [], connectionClosed", .idle),
                .ready: ("abort 1, fail [], connectionClosed", .idle), .draining: ("close 1, fail [d 9], the end", .closed),
                .closed: ("none", .closed),
            ]
        )
    }

    @Test("a timer that fires early finds nothing to do")
    func earlyTimer() {
        self.expect(
            { $0.timerFired(at: 1) },
            [
                .idle: ("none", .idle), .connecting: ("none", .connecting),
                .handshaking: ("abandon [], wake up 500", .handshaking), .ready: ("abandon [], wake up 20000", .ready),
                .draining: ("abandon [], wake up 20", .draining), .closed: ("none", .closed),
            ]
        )
    }

    @Test("a timer that fires late ends what is due")
    func lateTimer() {
        self.expect(
            { $0.timerFired(at: 5000) },
            [
                .idle: ("none", .idle), .connecting: ("none", .connecting),
                .handshaking: ("abandon []; abort 1, fail [], unresponsive", .idle), .ready: ("abandon [], wake up 20000", .ready),
                .draining: ("abandon [d 9]; close 1, fail [], the end", .closed), .closed: ("none", .closed),
            ]
        )
    }

    @Test("close")
    func close() {
        self.expect(
            { $0.close(deadline: 50) },
            [
                .idle: ("closed", .closed), .connecting: ("closed", .closed), .handshaking: ("close 1", .closed),
                .ready: ("close 1", .closed), .draining: ("none", .draining), .closed: ("none", .closed),
            ]
        )
    }

    @Test("replies go to commands in their order, and an error is a reply")
    func order() {
        let machine = TracedStateMachine(.ready)
        _ = machine.offered("a", 1)
        _ = machine.offered("b", 2)
        _ = machine.offered("c", 3)
        #expect(machine.replied(bulk("x")) == "deliver a 1 x")
        #expect(machine.replied(error("WRONGTYPE no")) == "deliver b 2 serverError WRONGTYPE")
        #expect(machine.replied(.null) == "deliver c 3 null")
        #expect(machine.state == .ready)
    }

    @Test("an abandoned command keeps its place: of its late reply only the arrival is reported")
    func abandoned() {
        let machine = TracedStateMachine(.ready)
        _ = machine.offered("a", 1, at: 0)
        _ = machine.offered("b", 2, at: 10)
        #expect(machine.timerFired(at: 29) == "abandon [], wake up 30")
        #expect(machine.timerFired(at: 30) == "abandon [a 1], wake up 40")
        #expect(machine.offered("c", 3, at: 31) == "append, wake up 61")
        #expect(machine.machine.pendingCount == 3)
        #expect(machine.replied(bulk("of a")) == "deliver late a 1")
        #expect(machine.replied(bulk("of b")) == "deliver b 2 of b")
        #expect(machine.replied(bulk("of c")) == "deliver c 3 of c")
        #expect(machine.timerFired(at: 61) == "abandon [], wake up 20000")
    }

    @Test("silence while replies are owed ends the connection, abandoned ones included")
    func silence() {
        let machine = TracedStateMachine(.ready)
        _ = machine.offered("a", 1, at: 5000)
        #expect(machine.timerFired(at: 5030) == "abandon [a 1], wake up 6000")
        _ = machine.offered("b", 2, at: 5990)
        #expect(machine.timerFired(at: 6000) == "abandon []; abort 1, fail [b 2], unresponsive")
    }

    @Test("any byte is a sign of life")
    func signOfLife() {
        let machine = TracedStateMachine(.ready)
        _ = machine.offered("a", 1, at: 0)
        #expect(machine.timerFired(at: 30) == "abandon [a 1], wake up 1000")
        machine.bytesArrived(at: 500)
        #expect(machine.timerFired(at: 1000) == "abandon [], wake up 1500")
        #expect(machine.timerFired(at: 1500) == "abandon []; abort 1, fail [], unresponsive")
    }

    @Test("silence without debts is peace, but for a question now and then")
    func peace() {
        let machine = TracedStateMachine(.ready)
        #expect(machine.timerFired(at: 19_999) == "abandon [], wake up 20000")
        #expect(machine.timerFired(at: 20_000) == "keep alive, wake up 40000")
        machine.bytesArrived(at: 20_001)
        #expect(machine.timerFired(at: 40_000) == "abandon [], wake up 40001")
        _ = machine.offered("a", 1, at: 1_000_001)
        #expect(machine.timerFired(at: 1_000_002) == "abandon [], wake up 1000031")
    }

    @Test("commands and bytes that wait are bounded")
    func bounds() {
        let machine = TracedStateMachine(.ready)
        #expect(machine.offered("a", 1, bytes: 101) == "reject queueFull")
        #expect(machine.offered("a", 1, bytes: 51, batch: 50) == "reject queueFull")
        #expect(machine.offered("a", 1, bytes: 50, batch: 50) == "append, wake up 30")
        for token in 2...4 as ClosedRange<UInt64> {
            #expect(machine.offered("a", token) == "append, wake up 30")
        }
        _ = machine.timerFired(at: 30)
        #expect(machine.offered("a", 5, at: 30) == "reject queueFull")
        _ = machine.replied(.null)
        #expect(machine.offered("a", 6, at: 30) == "append, wake up 60")
    }

    @Test("an unfit peer is left after its error was delivered", arguments: ["READONLY", "LOADING", "MASTERDOWN"])
    func unfit(_ prefix: String) {
        let machine = TracedStateMachine(.ready)
        _ = machine.offered("a", 1)
        _ = machine.offered("b", 2)
        #expect(
            machine.replied(error("\(prefix) no"))
                == "deliver a 1 serverError \(prefix); abort 1, fail [b 2], serverError \(prefix)"
        )
        #expect(machine.state == .idle)
    }

    /// Else every instance would connect anew at once to every node, whenever one part of a cluster is down.
    @Test("a node whose cluster is down keeps its connection and answers on")
    func clusterDown() {
        let machine = TracedStateMachine(.ready)
        for token in 1...3 as ClosedRange<UInt64> { _ = machine.offered("a", token) }
        #expect(machine.replied(error("CLUSTERDOWN The cluster is down")) == "deliver a 1 serverError CLUSTERDOWN")
        #expect(machine.replied(error("CLUSTERDOWN Hash slot not served")) == "deliver a 2 serverError CLUSTERDOWN")
        #expect(machine.state == .ready)
        _ = machine.timerFired(at: 30)
        #expect(machine.replied(error("CLUSTERDOWN The cluster is down")) == "deliver late a 3")
        #expect(machine.state == .ready)
    }

    @Test("an unfit peer is left also when nobody waits for its error")
    func unfitAbandoned() {
        let machine = TracedStateMachine(.ready)
        _ = machine.offered("a", 1)
        _ = machine.timerFired(at: 30)
        #expect(machine.replied(error("READONLY no")) == "abort 1, fail [], serverError READONLY")
    }

    @Test("an error without a command is the server's reason to hang up")
    func unasked() {
        let machine = TracedStateMachine(.ready)
        #expect(machine.replied(error("ERR max number of clients reached")) == "abort 1, fail [], serverError ERR")
    }

    @Test("disconnect ends what there is, and commands with it")
    func disconnect() {
        self.expect(
            { $0.disconnect() },
            [
                .idle: ("none", .idle), .connecting: ("none", .idle), .handshaking: ("abort 1, fail []", .idle), .ready: ("abort 1, fail []", .idle),
                .draining: ("none", .draining), .closed: ("none", .closed),
            ]
        )
        let machine = TracedStateMachine(.ready)
        _ = machine.offered("a", 1, at: 0)
        _ = machine.offered("b", 2, at: 10)
        _ = machine.timerFired(at: 30)
        #expect(machine.disconnect() == "abort 1, fail [b 2]")
        #expect(machine.start() == "begin attempt 2")
    }

    @Test("the outcome of an attempt that was given up is not that of the next")
    func attempts() {
        let machine = TracedStateMachine(.connecting)
        _ = machine.disconnect()
        #expect(machine.start() == "begin attempt 2")
        #expect(machine.connectFailed(attempt: 1) == "none")
        #expect(machine.connected(7, attempt: 1) == "close 7")
        #expect(machine.state == .connecting)
        #expect(machine.connected(8, attempt: 2) == #"shake hands ["HELLO", "PING"] until 500"#)
    }

    @Test("draining delivers what comes, and does not wait for abandoned replies")
    func draining() {
        let machine = TracedStateMachine(.ready)
        _ = machine.offered("a", 1, at: 0)
        _ = machine.offered("b", 2, at: 10)
        _ = machine.offered("c", 3, at: 10)
        #expect(machine.close(deadline: 100) == "drain until 100")
        #expect(machine.timerFired(at: 30) == "abandon [a 1], wake up 40")
        #expect(machine.replied(bulk("of a")) == "none")
        #expect(machine.replied(error("READONLY no")) == "deliver b 2 serverError READONLY")
        #expect(machine.timerFired(at: 40) == "abandon [c 3]; close 1, fail [], the end")
    }

    @Test("closing with nothing but abandoned commands closes at once")
    func closeAbandoned() {
        let machine = TracedStateMachine(.ready)
        _ = machine.offered("a", 1, at: 0)
        _ = machine.timerFired(at: 30)
        #expect(machine.close(deadline: 100) == "close 1")
        #expect(machine.replied(bulk("late")) == "none")
    }

    @Test("a channel that comes after the close is closed")
    func lateChannel() {
        let machine = TracedStateMachine(.connecting)
        #expect(machine.close(deadline: 0) == "closed")
        #expect(machine.connected(5) == "close 5")
    }
}
