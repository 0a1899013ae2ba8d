import Testing

@testable import CacheAPI
@testable import HTTPWire

/// A client connection, as traces: every event in every state. Times are in nanoseconds, and the connection is opened at 0.
@Suite struct ConnectionStateMachineTests {
    typealias Action = ConnectionStateMachine.Action
    typealias Stage = ConnectionStage
    typealias Connection = TracedConnection

    private let late = 2000

    // MARK: Input

    @Test(arguments: Stage.allCases) func bytesArrive(stage: Stage) {
        let isKept = Connection(stage).on { $0.received(now: 5) }
        #expect(isKept == (stage != .closing && stage != .closed))
    }

    @Test(arguments: Stage.allCases) func inputIsTaken(stage: Stage) {
        let connection = Connection(stage)
        func intake(_ unflushed: Int, _ isWritable: Bool) -> ConnectionStateMachine.Intake {
            connection.on { $0.intake(buffered: 10, unflushed: unflushed, isWritable: isWritable) }
        }
        let (free, full, unread): (ConnectionStateMachine.Intake, ConnectionStateMachine.Intake, ConnectionStateMachine.Intake) =
            switch stage {
            case .ready: (.recognise, .flush, .wait)
            case .awaitingCache: (.wait, .wait, .wait)
            case .handedOver: (.feedCodec, .flush, .wait)
            case .routerReading, .routerAnswering, .routerAnswered, .codecReading, .codecAnswering: (.feedCodec, .feedCodec, .feedCodec)
            case .closing, .closed: (.discard, .discard, .discard)
            }
        #expect(intake(63, true) == free)
        #expect(intake(64, true) == full)
        #expect(intake(0, false) == unread)
    }

    @Test func anIncompleteRequestIsLookedAtAgainOnceMoreOfItIsThere() {
        let connection = Connection()
        func intake(_ buffered: Int) -> ConnectionStateMachine.Intake {
            connection.on { $0.intake(buffered: buffered, unflushed: 0, isWritable: true) }
        }
        connection.on { $0.headIncomplete(buffered: 20) }
        #expect(intake(20) == .wait)
        #expect(intake(21) == .recognise)
        connection.on { $0.bodyIncomplete(requestCount: 80) }
        #expect(intake(79) == .wait)
        #expect(intake(80) == .recognise)
        #expect(connection.on { $0.heldBytes(buffered: 21) } == 80, "room for all of it is taken")
        _ = connection.on { $0.requestTaken() }
        #expect(intake(1) == .recognise)
    }

    @Test(arguments: Stage.allCases) func whatIsHeldIsCounted(stage: Stage) {
        let held = Connection(stage).on { $0.heldBytes(buffered: 10) }
        #expect(held == (stage == .closing || stage == .closed ? 0 : 10))
        #expect(Connection(stage).on { $0.heldBytes(buffered: 0) } == 0)
    }

    /// A request has its time from its first byte on; a client that waits for us has no clock.
    @Test(arguments: Stage.allCases) func aRequestThatHasBegunHasItsTime(stage: Stage) {
        let connection = Connection(stage)
        connection.on { $0.passEnded(buffered: 10, now: 7) }
        let owes = connection.on { $0.owesSince }
        switch stage {
        case .ready, .routerReading, .handedOver, .codecReading: #expect(owes == 7)
        case .routerAnswering, .routerAnswered, .codecAnswering, .awaitingCache: #expect(owes == nil)
        case .closing, .closed: #expect(owes == 0, "it has never brought a request")
        }
    }

    // MARK: The cache

    @Test(arguments: Stage.allCases) func theCacheAnswersLater(stage: Stage) {
        let connection = Connection(stage)
        connection.on { $0.cacheAnswersLater(token: 99) }
        let isTaken = connection.on { $0.cacheAnswered(token: 99) }
        #expect(isTaken == (stage == .ready), "only a request that was taken from the input can wait for the cache")
    }

    @Test(arguments: Stage.allCases) func theCacheAnswers(stage: Stage) {
        let connection = Connection(stage)
        #expect(!connection.on { $0.cacheAnswered(token: 2) }, "that is another request")
        #expect(connection.on { $0.cacheAnswered(token: 1) } == (stage == .awaitingCache))
        #expect(!connection.on { $0.cacheAnswered(token: 1) }, "once")
    }

    @Test(arguments: Stage.allCases) func anAnswerIsTheLastOneIfTheServiceStops(stage: Stage) {
        let connection = Connection(stage)
        #expect(connection.on { $0.answerWritten(now: 5) } == .none)
        _ = connection.on { $0.drain(now: 5) }
        let isOpen = stage != .closing && stage != .closed
        #expect(connection.on { $0.answerWritten(now: 6) } == (isOpen ? .finish(by: 206) : .none))
        #expect(connection.on { $0.isClosing })
    }

    @Test(arguments: Stage.allCases) func theLastAnswerIsWritten(stage: Stage) {
        let connection = Connection(stage)
        let isOpen = stage != .closing && stage != .closed
        #expect(connection.on { $0.lastAnswerWritten(now: 5) } == (isOpen ? .finish(by: 1005) : .none))
        #expect(connection.on { $0.lastAnswerWritten(now: 6) } == .none)
    }

    // MARK: The router

    @Test(arguments: Stage.allCases) func theRouterTakesARequest(stage: Stage) {
        let connection = Connection(stage)
        let before = connection.on { $0.intake(buffered: 10, unflushed: 0, isWritable: true) }
        connection.on { $0.routerTakesRequest() }
        let after = connection.on { $0.intake(buffered: 10, unflushed: 0, isWritable: true) }
        #expect(after == (stage == .ready ? .feedCodec : before))
    }

    @Test(arguments: Stage.allCases) func theCodecTakesTheConnection(stage: Stage) {
        let connection = Connection(stage)
        connection.on { $0.codecTakesConnection() }
        _ = connection.on { $0.codecFlushed(now: 5) }
        let isForGood = stage == .ready || stage == .handedOver || stage == .codecReading || stage == .codecAnswering
        connection.on { $0.codecWroteEnd(isLast: false) }
        _ = connection.on { $0.codecFlushed(now: 6) }
        #expect((connection.on { $0.intake(buffered: 10, unflushed: 0, isWritable: true) } == .feedCodec) == isForGood)
    }

    @Test(arguments: Stage.allCases) func theCodecFlushes(stage: Stage) {
        let connection = Connection(stage)
        #expect(connection.on { $0.codecFlushed(now: 5) } == (stage == .routerAnswered ? .pass : .none))
        connection.on { $0.codecWroteEnd(isLast: false) }
        let isOpen = stage != .closing && stage != .closed
        #expect(connection.on { $0.codecFlushed(now: 6) } == (isOpen ? .pass : .none))
        connection.on { $0.codecWroteEnd(isLast: true) }
        #expect(connection.on { $0.codecFlushed(now: 7) } == (isOpen ? .finish(by: 1007) : .none))
    }

    @Test func aRouterAnswerIsTheLastOneIfTheServiceStops() {
        let connection = Connection(.routerAnswered)
        #expect(connection.on { $0.drain(now: 5) } == .none, "its answer is on its way")
        #expect(connection.on { $0.codecFlushed(now: 6) } == .finish(by: 206))
    }

    @Test func theLaneTakesTheRequestAfterTheRouters() {
        let connection = Connection(.routerAnswered)
        #expect(connection.on { $0.codecFlushed(now: 5) } == .pass)
        #expect(connection.on { $0.intake(buffered: 10, unflushed: 0, isWritable: true) } == .recognise)
    }

    @Test(arguments: Stage.allCases) func theRouteWantsTheBody(stage: Stage) {
        #expect(Connection(stage).on { $0.bodyWanted() } == .pass)
    }

    @Test func theCodecGetsTheBodyThatItsRouteWants() {
        let connection = Connection(.codecReading)
        let fed = connection.on { machine in Array("0123456789GET".utf8).withUnsafeBytes { machine.feed($0) } }
        #expect(fed == .take(10))
        #expect(connection.on { machine in Array("GET".utf8).withUnsafeBytes { machine.feed($0) } } == .wait)
    }

    /// The codec hears once that a read is over, and then the far end of the pipeline asks for the next.
    @Test(arguments: Stage.allCases) func theReadIsOver(stage: Stage) {
        let connection = Connection(stage)
        #expect(!connection.on { $0.takeCodecReadComplete() }, "nothing went to it")
        #expect(connection.on { $0.readCompleted() }, "nobody else asks")
        connection.on { $0.forwarding() }
        #expect(connection.on { $0.takeCodecReadComplete() })
        #expect(!connection.on { $0.takeCodecReadComplete() })
        let isWithCodec: Bool =
            switch stage {
            case .ready, .awaitingCache, .closing, .closed: false
            case .routerReading, .routerAnswering, .routerAnswered, .handedOver, .codecReading, .codecAnswering: true
            }
        #expect(connection.on { $0.readCompleted() } == !isWithCodec)
        #expect(connection.on { $0.readCompleted() })
    }

    // MARK: Reading

    private func reads(_ connection: Connection, _ buffered: Int, isWritable: Bool = true, isFull: Bool = false) -> ConnectionStateMachine.Reading {
        connection.on { $0.readAsked(buffered: buffered, isWritable: isWritable, isReceiveFull: isFull) }
    }

    @Test(arguments: Stage.allCases) func bytesAreWanted(stage: Stage) {
        #expect(self.reads(Connection(stage), 4999) == .read)
        switch stage {
        case .ready, .handedOver:
            #expect(self.reads(Connection(stage), 0, isWritable: false) == .pause, "no request is read for a client that does not read")
            #expect(self.reads(Connection(stage), 5000) == .read)
        case .awaitingCache, .routerAnswering, .routerAnswered, .codecAnswering:
            #expect(self.reads(Connection(stage), 5000) == .pause, "later requests wait in the client")
            #expect(self.reads(Connection(stage), 4096, isFull: true) == .pause, "there is room for little")
            #expect(self.reads(Connection(stage), 4095, isFull: true) == .read)
        case .routerReading, .codecReading:
            #expect(self.reads(Connection(stage), 5000, isWritable: false) == .read, "what a request lacks is read")
        case .closing, .closed:
            #expect(self.reads(Connection(stage), 5000, isWritable: false, isFull: true) == .read, "what is discarded needs no room")
        }
    }

    @Test func readingGoesOnOnceThereIsRoom() {
        let connection = Connection()
        func resumes(isWritable: Bool) -> Bool {
            connection.on { $0.resumesReading(buffered: 0, isWritable: isWritable, isReceiveFull: false) }
        }
        #expect(!resumes(isWritable: true), "nobody asked")
        #expect(self.reads(connection, 0, isWritable: false) == .pause)
        #expect(connection.on { $0.isReadPaused })
        #expect(self.reads(connection, 0, isWritable: false) == .ignore, "the pause is counted once")
        #expect(!resumes(isWritable: false))
        #expect(resumes(isWritable: true))
        #expect(!resumes(isWritable: true), "once")
    }

    @Test func nothingIsReadBehindTheLastRequest() {
        let connection = Connection(.codecReading)
        connection.on { $0.codecReadEnd(isLast: true) }
        #expect(self.reads(connection, 0) == .ignore)
        _ = connection.on { $0.lastAnswerWritten(now: 0) }
        #expect(self.reads(connection, 0) == .read, "the client must be let go on, or it never reads its answer")
    }

    // MARK: Writing

    @Test(arguments: Stage.allCases) func aClientThatDoesNotReadIsNoticed(stage: Stage) {
        let connection = Connection(stage)
        #expect(!connection.on { $0.sending(UnsentBytes.markDistance - 1, now: 5) })
        connection.on { $0.codecWrote(1) }
        #expect(connection.on { $0.codecFlushing(now: 6) }, "both writers fill the same socket")
        #expect(!connection.on { $0.sending(UnsentBytes.markDistance, now: 7) }, "one mark at a time")
        #expect(connection.on { $0.hasMarkUnderWay && $0.unreadBytes == 2 * UnsentBytes.markDistance })
        #expect(connection.on { $0.clientStalled(now: 8) } == .schedule(at: 8 + ConnectionTable.patience))
        #expect(connection.on { $0.markTaken(now: 9) } == (stage != .closed))
        #expect(!connection.on { $0.markTaken(now: 10) })
        #expect(connection.on { !$0.hasMarkUnderWay && $0.unreadBytes == 0 })
    }

    @Test(arguments: Stage.allCases) func theSocketTakesBytesAgain(stage: Stage) {
        #expect(Connection(stage).on { $0.writabilityChanged(isWritable: true) } == .pass)
        #expect(Connection(stage).on { $0.writabilityChanged(isWritable: false) } == .none)
    }

    // MARK: The end

    @Test(arguments: Stage.allCases) func theServiceStops(stage: Stage) {
        let connection = Connection(stage)
        let expected: Action =
            switch stage {
            case .ready, .handedOver, .codecReading, .codecAnswering: .schedule(at: 55)
            case .closing: .schedule(at: 205)
            case .awaitingCache, .routerReading, .routerAnswering, .routerAnswered, .closed: .none
            }
        #expect(connection.on { $0.drain(now: 5) } == expected)
        #expect(connection.on { $0.isDraining })
    }

    @Test(arguments: Stage.allCases) func theClientClosesItsSide(stage: Stage) {
        let connection = Connection(stage)
        let expected: Action =
            switch stage {
            case .ready, .routerReading, .handedOver, .codecReading: .deliverInputClosed
            case .closing: .closeWhenTaken
            case .awaitingCache, .routerAnswering, .routerAnswered, .codecAnswering, .closed: .none
            }
        #expect(connection.on { $0.inputClosed(isWritable: true) } == expected)
        #expect(connection.on { $0.isInputEndPending } == (expected == .none), "whole requests get their answers first")
        #expect(connection.on { $0.deliverInputClosed(isWritable: true) } == .none)
    }

    @Test(arguments: Stage.allCases) func theEndOfInputWaitsForRoomForAnswers(stage: Stage) {
        let connection = Connection(stage)
        #expect(connection.on { $0.deliverInputClosed(isWritable: true) } == .none, "the client has not closed its side")
        let action = connection.on { $0.inputClosed(isWritable: false) }
        switch stage {
        case .routerReading, .codecReading: #expect(action == .deliverInputClosed)
        case .closing: #expect(action == .closeWhenTaken)
        case .ready, .awaitingCache, .routerAnswering, .routerAnswered, .handedOver, .codecAnswering, .closed: #expect(action == .none)
        }
    }

    @Test func theCodecHasTheConnectionOnceItHasHeardOfTheEndOfInput() {
        let connection = Connection()
        #expect(connection.on { $0.inputClosed(isWritable: true) } == .deliverInputClosed)
        #expect(connection.on { $0.intake(buffered: 1, unflushed: 0, isWritable: true) } == .feedCodec)
    }

    @Test(arguments: Stage.allCases) func aHandlerBehindUsCloses(stage: Stage) {
        let connection = Connection(stage)
        let isOpen = stage != .closing && stage != .closed
        #expect(connection.on { $0.closeAsked(now: 5) } == (isOpen ? .schedule(at: 1005) : .none))
        #expect(connection.on { $0.isClosing })
        #expect(connection.on { $0.closeAsked(now: 6) } == .none)
    }

    @Test(arguments: Stage.allCases) func theLastAnswerIsTaken(stage: Stage) {
        let connection = Connection(stage)
        #expect(connection.on { $0.lastAnswerTaken(now: 5) } == (stage == .closed ? .none : .linger(until: 105)))
        _ = connection.on { $0.inputClosed(isWritable: true) }
        #expect(connection.on { $0.lastAnswerTaken(now: 6) } == (stage == .closed ? .none : .close))
    }

    @Test(arguments: Stage.allCases) func theTimerFires(stage: Stage) {
        func fired(now: Int, isStalled: Bool = false) -> Action {
            Connection(stage).on { $0.timerFired(now: now, isUnsentFull: true, isStalled: isStalled) }
        }
        let isBusy = [.awaitingCache, .routerAnswering, .routerAnswered, .codecAnswering].contains(stage)
        #expect(Connection(stage).on { $0.isAnswerDue } == isBusy)
        switch stage {
        case .closed:
            #expect(fired(now: 10) == .none)
            #expect(fired(now: self.late) == .none)
        case .ready, .routerReading, .handedOver, .codecReading:
            #expect(fired(now: 10) == .schedule(at: 310), "a request may begin meanwhile")
            #expect(fired(now: 900) == .schedule(at: 1000))
            #expect(fired(now: 900, isStalled: true) == .schedule(at: 1000))
            #expect(fired(now: self.late) == .finish(by: self.late + 1000))
        case .awaitingCache, .routerAnswering, .routerAnswered, .codecAnswering:
            #expect(fired(now: self.late) == .schedule(at: self.late + 300), "a connection that waits for us is not idle")
        case .closing:
            #expect(fired(now: 900) == .schedule(at: 1000))
            #expect(fired(now: self.late) == .close)
        }
    }

    @Test func aSlowRequestEndsItsConnection() {
        let connection = Connection()
        connection.on { $0.passEnded(buffered: 10, now: 5) }
        #expect(connection.on { $0.timerFired(now: 304, isUnsentFull: false, isStalled: false) } == .schedule(at: 305))
        #expect(connection.on { $0.timerFired(now: 305, isUnsentFull: false, isStalled: false) } == .finish(by: 1305))
    }

    @Test func anOverdueAnswerIsWaitedFor() {
        let connection = Connection(.codecAnswering)
        #expect(connection.on { $0.drain(now: 5) } == .schedule(at: 55))
        #expect(connection.on { $0.timerFired(now: 55, isUnsentFull: false, isStalled: false) } == .schedule(at: 55 + 100_000_000))
    }

    @Test(arguments: Stage.allCases) func aClientThatDoesNotReadLosesItsPlaceIfThereIsNoRoom(stage: Stage) {
        let connection = Connection(stage)
        let late = 5 + ConnectionTable.patience
        _ = connection.on { $0.sending(UnsentBytes.markDistance, now: 5) }
        func fired(now: Int, isFull: Bool) -> Action { connection.on { $0.timerFired(now: now, isUnsentFull: isFull, isStalled: true) } }
        #expect(fired(now: late - 1, isFull: true) != .closeUnread)
        #expect(fired(now: late, isFull: false) != .closeUnread)
        // The first of these two ended the connection if it was idle; its place is still to be had.
        #expect(fired(now: late, isFull: true) == (stage == .closed ? .none : .closeUnread))
    }

    @Test(arguments: Stage.allCases) func aConnectionWithoutAPlaceHasLittleTimeForItsProbe(stage: Stage) {
        let connection = Connection(stage)
        #expect(connection.on { $0.restrictedToProbes(now: 5) } == .schedule(at: 5 + ConnectionTable.patience))
        #expect(connection.on { $0.isForProbes })
        let action = connection.on { $0.timerFired(now: 10, isUnsentFull: false, isStalled: false) }
        switch stage {
        case .ready, .routerReading, .handedOver, .codecReading: #expect(action == .refuseConnection)
        case .awaitingCache, .routerAnswering, .routerAnswered, .codecAnswering, .closing: #expect(action == .schedule(at: 310))
        case .closed: #expect(action == .none)
        }
    }

    @Test(arguments: Stage.allCases) func theChannelIsGone(stage: Stage) {
        let connection = Connection(stage)
        connection.on { $0.inactive() }
        #expect(connection.on { $0.isClosing && !$0.isAnswerDue })
        #expect(!connection.on { $0.received(now: 5) })
        #expect(!connection.on { $0.cacheAnswered(token: 1) })
        #expect(connection.on { $0.drain(now: 5) } == .none)
        #expect(connection.on { $0.lastAnswerWritten(now: 5) } == .none)
        #expect(connection.on { $0.lastAnswerTaken(now: 5) } == .none)
        #expect(connection.on { $0.timerFired(now: self.late, isUnsentFull: true, isStalled: true) } == .none)
    }

    @Test func aNewConnectionHasTheTimeOfARequest() {
        let connection = Connection()
        #expect(connection.on { $0.opened(now: 40) } == .schedule(at: 340))
        #expect(connection.on { $0.owesSince } == 40)
        connection.on { $0.requestRefused() }
        #expect(connection.on { $0.owesSince } == nil, "it has brought a head")
    }

    @Test func withoutTheFastLaneTheCodecGetsEverything() {
        let bounds = ConnectionStateMachine.Bounds(
            idle: 1, request: 1, drain: 1, lastAnswer: 1, linger: 1, headBytes: 10, pipelinedBytes: 1, unsentBytes: 1)
        let machine = ConnectionStateMachine(bounds, usesFastLane: false)
        let intake = machine.intake(buffered: 1, unflushed: 0, isWritable: true)
        #expect(intake == .feedCodec)
    }
}
