import MemoryStore

@testable import Cache

/// A small system with one key, as the copies of this process see it: two event loops with a connection each, Redis, and somebody else who writes.
///
/// Every step of it is one that the real system takes without being interrupted, and any enabled step may come next. What decides is the real
/// `CoherenceFence`; around it are queues. Values are positions in the order of Redis's writes, so that a larger one is newer.
struct CoherenceModel {
    /// What a client asks of one event loop, one after the other.
    enum Operation: Hashable { case read, write, invalidate }

    /// What keeps a copy from being older than an acknowledged write. Each can be left out, to see that it is needed.
    enum Rule: CaseIterable {
        case stampRaisedByOwnWrite, copyRemovedByOwnWrite, stampRaisedByPush, copyRemovedByPush, epochRaisedByInvalidation
        case coverageEndsWithConnection, ticketComparedUnderLock
    }

    enum Step: Hashable {
        /// The loop begins its next operation.
        case begin(Int)
        /// Redis carries out the next command of a connection.
        case serve(Int)
        /// The loop takes the next message of its connection, or goes on with what it was doing.
        case proceed(Int)
        case foreignWrite
        case disconnect(Int)
        case connect(Int)
    }

    private enum Command: Hashable { case get, timeToLive, set, invalidate }
    private enum Message: Hashable { case value(Int), timeToLive, written(Int), push }
    /// What a loop does between two messages, a step at a time: other loops run between any two.
    private enum Work: Hashable { case raise(acknowledges: Int?), raiseAll(Int), remove(acknowledges: Int?), keep(Int), acknowledge(Int) }

    private struct Flight {
        let ticket: CoherenceFence.Ticket
        let floor: Int
        var value: Int?
    }

    private struct Loop {
        var operations: [Operation]
        var flight: Flight?
        var isWriting = false
        var isConnected = true
        var isTracked = false
        var commands: [Command] = []
        var messages: [Message] = []
        var work: [Work] = []
    }

    /// There is no cluster: slots do not move. See `SlotMoveModel` for one.
    private static let place = SlotTable.Place(slot: 0, epoch: 0, shard: 0)

    private let fence: CoherenceFence
    private let without: Rule?
    private var loops: [Loop]
    private var foreignWrites: Int
    private var disconnects: Int
    /// The value in Redis.
    private var server = 0
    private var copy: (value: Int, coverage: CoherenceFence.Coverage)?
    /// Of the copy that is about to be put in, if the ticket is not compared under the lock.
    private var pendingCoverage: CoherenceFence.Coverage?
    /// The newest write that this process has acknowledged.
    private var acknowledged = 0
    /// Whether a read was answered with a value older than a write that was acknowledged before it began.
    private(set) var isViolated = false

    /// - Parameter fence: of two connections; may have served another model before, since only changes count.
    init(
        _ first: [Operation], _ second: [Operation], foreignWrites: Int, disconnects: Int, without: Rule? = nil, fence: CoherenceFence
    ) {
        self.loops = [Loop(operations: first), Loop(operations: second)]
        self.foreignWrites = foreignWrites
        self.disconnects = disconnects
        self.without = without
        self.fence = fence
        for connection in self.loops.indices {
            fence.end(UInt16(connection), now: MonotonicTime(milliseconds: 0))
            fence.begin(UInt16(connection))
        }
    }

    /// The steps that can come next.
    var steps: [Step] {
        var steps: [Step] = []
        for (index, loop) in self.loops.enumerated() {
            if loop.isConnected, loop.flight == nil, !loop.isWriting, loop.work.isEmpty, !loop.operations.isEmpty { steps.append(.begin(index)) }
            if !loop.commands.isEmpty { steps.append(.serve(index)) }
            if !loop.work.isEmpty || !loop.messages.isEmpty { steps.append(.proceed(index)) }
            if loop.isConnected, self.disconnects > 0, loop.work.isEmpty { steps.append(.disconnect(index)) }
            if !loop.isConnected { steps.append(.connect(index)) }
        }
        if self.foreignWrites > 0 { steps.append(.foreignWrite) }
        return steps
    }

    /// Whether a copy that would be answered differs from Redis, though nothing is under way any more.
    var isStaleAtRest: Bool {
        guard self.steps.isEmpty, let copy = self.copy, self.isTrusted(copy.coverage) else { return false }
        return copy.value != self.server
    }

    /// What tells two states apart, apart from the absolute values of the fence's counters.
    var fingerprint: AnyHashable {
        let loops = self.loops.enumerated().map { index, loop in
            LoopFingerprint(
                operations: loop.operations, hasFlight: loop.flight != nil, value: loop.flight?.value, floor: loop.flight?.floor,
                isTicketValid: loop.flight.map { self.fence.isValid($0.ticket) }, isWriting: loop.isWriting, isConnected: loop.isConnected,
                isTracked: loop.isTracked, isCovering: self.fence.isCovering(UInt16(index)), commands: loop.commands, messages: loop.messages,
                work: loop.work)
        }
        return Fingerprint(
            loops: loops, foreignWrites: self.foreignWrites, disconnects: self.disconnects, server: self.server, copy: self.copy?.value,
            trust: self.copy.map { self.fence.trust($0.coverage) }, pendingTrust: self.pendingCoverage.map { self.fence.trust($0) },
            acknowledged: self.acknowledged)
    }

    private struct LoopFingerprint: Hashable {
        let operations: [Operation]
        let hasFlight: Bool
        let value: Int?
        let floor: Int?
        let isTicketValid: Bool?
        let isWriting: Bool
        let isConnected: Bool
        let isTracked: Bool
        let isCovering: Bool
        let commands: [Command]
        let messages: [Message]
        let work: [Work]
    }

    private struct Fingerprint: Hashable {
        let loops: [LoopFingerprint]
        let foreignWrites: Int
        let disconnects: Int
        let server: Int
        let copy: Int?
        let trust: CoherenceFence.Trust?
        let pendingTrust: CoherenceFence.Trust?
        let acknowledged: Int
    }

    mutating func take(_ step: Step) {
        switch step {
        case .begin(let loop): self.begin(loop)
        case .serve(let loop): self.serve(loop)
        case .proceed(let loop): self.proceed(loop)
        case .foreignWrite:
            self.foreignWrites -= 1
            self.change()
        case .disconnect(let loop): self.disconnect(loop)
        case .connect(let loop):
            self.loops[loop].isConnected = true
            if self.without != .coverageEndsWithConnection { self.fence.begin(UInt16(loop)) }
        }
    }

    // MARK: The event loops

    private func isTrusted(_ coverage: CoherenceFence.Coverage) -> Bool {
        self.fence.trust(coverage) == .current
    }

    private mutating func begin(_ index: Int) {
        switch self.loops[index].operations.removeFirst() {
        case .read:
            if let copy = self.copy, self.isTrusted(copy.coverage) {
                self.answer(copy.value, floor: self.acknowledged)
            } else {
                let ticket = self.fence.ticket(for: MemoryKeyHash(value: 0), at: Self.place, over: UInt16(index))
                self.loops[index].flight = Flight(ticket: ticket, floor: self.acknowledged)
                self.loops[index].commands += [.get, .timeToLive]
            }
        case .write:
            self.loops[index].isWriting = true
            self.loops[index].commands.append(.set)
        case .invalidate:
            self.loops[index].isWriting = true
            self.loops[index].commands.append(.invalidate)
        }
    }

    private mutating func proceed(_ index: Int) {
        guard self.loops[index].work.isEmpty else {
            self.work(self.loops[index].work.removeFirst())
            return
        }
        switch self.loops[index].messages.removeFirst() {
        case .value(let value):
            self.loops[index].flight?.value = value
        case .timeToLive:
            guard let flight = self.loops[index].flight, let value = flight.value else { return }
            self.loops[index].flight = nil
            if self.fence.isValid(flight.ticket) {
                if self.without == .ticketComparedUnderLock {
                    self.loops[index].work.append(.keep(value))
                    self.pendingCoverage = flight.ticket.coverage
                } else {
                    self.copy = (value, flight.ticket.coverage)
                }
            }
            self.answer(value, floor: flight.floor)
        case .written(let position):
            self.loops[index].isWriting = false
            self.loops[index].work += [.raise(acknowledges: position), .remove(acknowledges: position), .acknowledge(position)]
        case .push:
            self.loops[index].work += [.raise(acknowledges: nil), .remove(acknowledges: nil)]
        }
    }

    private mutating func work(_ work: Work) {
        switch work {
        case .raise(let position):
            if self.without != (position == nil ? .stampRaisedByPush : .stampRaisedByOwnWrite) { self.fence.raise(MemoryKeyHash(value: 0)) }
        case .raiseAll:
            if self.without != .epochRaisedByInvalidation { self.fence.raiseAll() }
        case .remove(let position):
            if self.without != (position == nil ? .copyRemovedByPush : .copyRemovedByOwnWrite) { self.copy = nil }
        case .keep(let value):
            if let coverage = self.pendingCoverage { self.copy = (value, coverage) }
        case .acknowledge(let position):
            self.acknowledged = max(self.acknowledged, position)
        }
    }

    private mutating func answer(_ value: Int, floor: Int) {
        if value < floor { self.isViolated = true }
    }

    // MARK: Redis

    private mutating func serve(_ index: Int) {
        switch self.loops[index].commands.removeFirst() {
        case .get:
            self.loops[index].isTracked = true
            self.loops[index].messages.append(.value(self.server))
        case .timeToLive:
            self.loops[index].messages.append(.timeToLive)
        case .set:
            self.loops[index].messages.append(.written(self.server + 1))
            self.change()
        case .invalidate:
            // It goes over another connection, whose order among these does not matter: its end is known here at once.
            self.change()
            self.loops[index].isWriting = false
            self.loops[index].work += [.raiseAll(self.server), .remove(acknowledges: self.server), .acknowledge(self.server)]
        }
    }

    private mutating func change() {
        self.server += 1
        for index in self.loops.indices where self.loops[index].isTracked {
            self.loops[index].isTracked = false
            self.loops[index].messages.append(.push)
        }
    }

    private mutating func disconnect(_ index: Int) {
        self.disconnects -= 1
        self.loops[index].isConnected = false
        self.loops[index].isTracked = false
        self.loops[index].commands = []
        self.loops[index].messages = []
        self.loops[index].flight = nil
        self.loops[index].isWriting = false
        if self.without != .coverageEndsWithConnection { self.fence.end(UInt16(index), now: MonotonicTime(milliseconds: 0)) }
    }
}
