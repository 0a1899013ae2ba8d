import MemoryStore

@testable import Cache

/// A cluster of two nodes, a slot that moves from the first to the second, and one key in it: two event loops read it over a connection to each node, and
/// somebody else writes it.
///
/// Like `CoherenceModel`, every step is one that the real system takes without being interrupted, any enabled step may come next, and the real
/// `CoherenceFence` and `SlotTable` decide. A value is its position in the order of writes; 0 is an absence.
struct SlotMoveModel {
    /// How the slot gets to the second node.
    enum Move: Hashable {
        /// Key by key: of a value the first node tells, of an absence it cannot.
        case withKeys
        /// The second node takes it as it is, with nothing in it, and the first learns of that later and says nothing, as servers before 7.2 do.
        case withoutKeys
    }

    /// What bounds the age of a copy. Each can be left out, to see that it is needed.
    enum Rule: CaseIterable { case epochRaisedByMove, epochComparedByFill, epochReadBeforeOwner, absencesAreShort }

    enum Step: Hashable {
        /// The loop begins to look the slot up for its next read.
        case begin(Int)
        /// It has, and answers from the copy or asks a node.
        case ask(Int)
        /// A node carries out the next command of a loop's connection to it.
        case serve(loop: Int, node: Int)
        /// The loop takes the next message of its connection to a node.
        case proceed(loop: Int, node: Int)
        case move
        /// The first node learns that it does not serve the slot any more.
        case sourceLearns
        case foreignWrite
        /// This process asks the second node who serves what.
        case refresh
    }

    private enum Message: Hashable { case value(Int), moved, push }

    private struct Loop {
        var reads: Int
        /// The half of a lookup that is done: the epoch, or the owner if the rule says otherwise.
        var epoch: UInt32?
        var owner: Int?
        var ticket: CoherenceFence.Ticket?
        /// Reads that a node has not carried out.
        var commands = [0, 0]
        var messages: [[Message]] = [[], []]
        var isTracked = [false, false]
        var isIdle: Bool { self.epoch == nil && self.owner == nil && self.ticket == nil }
    }

    private struct Copy {
        let value: Int
        let epoch: UInt32
        let coverage: CoherenceFence.Coverage
    }

    /// What two searches share: the real parts, and a fence that knows of no slots.
    struct Parts {
        let slots = SlotTable()
        let fence: CoherenceFence
        let blindFence = CoherenceFence(connectionCount: 4, slots: SlotTable())

        init() { self.fence = CoherenceFence(connectionCount: 4, slots: self.slots) }
    }

    private static let slot: UInt16 = 7
    private static let hash = MemoryKeyHash(value: 0)

    private let parts: Parts
    private let without: Rule?
    private let way: Move
    private var loops: [Loop]
    private var foreignWrites: Int
    private var refreshes: Int
    private var serves = [true, false]
    private var values: [Int]
    private var hasMoved = false
    private var position: Int
    private var copy: Copy?

    /// - Parameter value: 0 if the key is absent at first.
    init(_ way: Move, value: Int, foreignWrites: Int, refreshes: Int, without: Rule?, parts: Parts) {
        self.parts = parts
        self.without = without
        self.way = way
        self.loops = [Loop(reads: 2), Loop(reads: 1)]
        self.foreignWrites = foreignWrites
        self.refreshes = refreshes
        self.values = [value, 0]
        self.position = value
        parts.slots.assign(Self.slot, to: 0)
        for connection in 0..<4 as Range<UInt16> {
            for fence in [parts.fence, parts.blindFence] {
                fence.end(connection, now: MonotonicTime(milliseconds: 0))
                fence.begin(connection)
            }
        }
    }

    var steps: [Step] {
        var steps: [Step] = []
        for (index, loop) in self.loops.enumerated() {
            if loop.isIdle, loop.reads > 0 { steps.append(.begin(index)) }
            if !loop.isIdle, loop.ticket == nil { steps.append(.ask(index)) }
            for node in 0...1 {
                if loop.commands[node] > 0 { steps.append(.serve(loop: index, node: node)) }
                if !loop.messages[node].isEmpty { steps.append(.proceed(loop: index, node: node)) }
            }
        }
        if !self.hasMoved { steps.append(.move) }
        if self.hasMoved, self.serves[0] { steps.append(.sourceLearns) }
        if self.foreignWrites > 0 { steps.append(.foreignWrite) }
        if self.hasMoved, self.refreshes > 0 { steps.append(.refresh) }
        return steps
    }

    /// Whether a copy that would be answered differs from what the owner has, though nothing is under way any more. As long as the process does not know
    /// that the slot has moved, an absence may be wrong, if it is kept for a short time only.
    var isStaleAtRest: Bool {
        guard self.steps.isEmpty, let copy, self.isCurrent(copy), copy.value != self.values[1] else { return false }
        let isBounded = copy.value == 0 && self.without != .absencesAreShort
        return !isBounded || self.knownOwner == 1
    }

    mutating func take(_ step: Step) {
        switch step {
        case .begin(let loop):
            self.loops[loop].reads -= 1
            if self.without == .epochReadBeforeOwner { self.loops[loop].owner = self.knownOwner } else { self.loops[loop].epoch = self.epoch }
        case .ask(let loop): self.ask(loop)
        case .serve(let loop, let node): self.serve(loop, node)
        case .proceed(let loop, let node): self.proceed(loop, node)
        case .move: self.move()
        case .sourceLearns:
            self.serves[0] = false
            self.values[0] = 0
        case .foreignWrite:
            self.foreignWrites -= 1
            self.position += 1
            self.change(to: self.position, at: self.serves[1] ? 1 : 0)
        case .refresh:
            self.refreshes -= 1
            self.learn()
        }
    }

    // MARK: This process

    private var epoch: UInt32 { self.without == .epochRaisedByMove ? 0 : self.parts.slots.epoch(of: Self.slot) }

    private var knownOwner: Int { self.parts.slots.shard(of: Self.slot) }

    private var fence: CoherenceFence {
        self.without == .epochRaisedByMove || self.without == .epochComparedByFill ? self.parts.blindFence : self.parts.fence
    }

    private func isCurrent(_ copy: Copy) -> Bool { copy.epoch == self.epoch && self.fence.trust(copy.coverage) == .current }

    private func isValid(_ ticket: CoherenceFence.Ticket) -> Bool { self.fence.isValid(ticket) }

    private mutating func ask(_ loop: Int) {
        let place = SlotTable.Place(
            slot: Self.slot, epoch: self.loops[loop].epoch ?? self.epoch, shard: self.loops[loop].owner ?? self.knownOwner)
        (self.loops[loop].epoch, self.loops[loop].owner) = (nil, nil)
        if let copy, copy.epoch == place.epoch, self.fence.trust(copy.coverage) == .current { return }
        self.send(loop, place)
    }

    private mutating func send(_ loop: Int, _ place: SlotTable.Place) {
        var place = place
        // A fence that knows of no slots has them all in their first epoch.
        if self.fence === self.parts.blindFence { place = SlotTable.Place(slot: place.slot, epoch: 0, shard: place.shard) }
        self.loops[loop].ticket = self.fence.ticket(for: Self.hash, at: place, over: UInt16(place.shard * 2 + loop))
        self.loops[loop].commands[place.shard] += 1
    }

    private mutating func proceed(_ loop: Int, _ node: Int) {
        switch self.loops[loop].messages[node].removeFirst() {
        case .value(let value):
            guard let ticket = self.loops[loop].ticket else { return }
            self.loops[loop].ticket = nil
            guard self.isValid(ticket) else { return }
            let epoch = self.without == .epochComparedByFill ? self.epoch : ticket.place.epoch
            self.copy = Copy(value: value, epoch: epoch, coverage: ticket.coverage)
        case .moved:
            self.learn()
            self.send(loop, SlotTable.Place(slot: Self.slot, epoch: self.epoch, shard: 1))
        case .push:
            self.fence.raise(Self.hash)
            self.copy = nil
        }
    }

    private func learn() {
        if self.knownOwner != 1 { self.parts.slots.assign(Self.slot, to: 1) }
    }

    // MARK: The nodes

    private mutating func serve(_ loop: Int, _ node: Int) {
        self.loops[loop].commands[node] -= 1
        guard self.serves[node] else { return self.loops[loop].messages[node].append(.moved) }
        self.loops[loop].isTracked[node] = true
        self.loops[loop].messages[node].append(.value(self.values[node]))
    }

    private mutating func move() {
        self.hasMoved = true
        self.serves[1] = true
        guard self.way == .withKeys else { return }
        self.serves[0] = false
        self.values[1] = self.values[0]
        if self.values[0] != 0 { self.change(to: 0, at: 0) }
    }

    private mutating func change(to value: Int, at node: Int) {
        self.values[node] = value
        for loop in self.loops.indices where self.loops[loop].isTracked[node] {
            self.loops[loop].isTracked[node] = false
            self.loops[loop].messages[node].append(.push)
        }
    }

    // MARK: Search

    /// What tells two states apart, apart from the absolute values of counters.
    var fingerprint: AnyHashable {
        let loops = self.loops.map { loop in
            LoopFingerprint(
                reads: loop.reads, isEpochCurrent: loop.epoch.map { $0 == self.epoch }, owner: loop.owner,
                isTicketValid: loop.ticket.map { self.isValid($0) }, shard: loop.ticket?.place.shard, commands: loop.commands,
                messages: loop.messages, isTracked: loop.isTracked)
        }
        return Fingerprint(
            loops: loops, foreignWrites: self.foreignWrites, refreshes: self.refreshes, serves: self.serves, values: self.values,
            hasMoved: self.hasMoved, knownOwner: self.knownOwner, copy: self.copy?.value, isCopyCurrent: self.copy.map { self.isCurrent($0) })
    }

    private struct LoopFingerprint: Hashable {
        let reads: Int
        let isEpochCurrent: Bool?
        let owner: Int?
        let isTicketValid: Bool?
        let shard: Int?
        let commands: [Int]
        let messages: [[Message]]
        let isTracked: [Bool]
    }

    private struct Fingerprint: Hashable {
        let loops: [LoopFingerprint]
        let foreignWrites: Int
        let refreshes: Int
        let serves: [Bool]
        let values: [Int]
        let hasMoved: Bool
        let knownOwner: Int
        let copy: Int?
        let isCopyCurrent: Bool?
    }
}
