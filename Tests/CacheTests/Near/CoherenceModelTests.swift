import MemoryStore
import Testing

@testable import Cache

/// Every interleaving of two event loops, one Redis and one foreign writer, up to a bound: two operations on each event loop, one foreign write and one
/// lost connection.
struct CoherenceModelTests {
    private typealias Operations = [CoherenceModel.Operation]

    private static let programs: [(Operations, Operations)] = [
        ([.read, .read], [.write, .read]),
        ([.read, .read], [.invalidate, .read]),
        ([.read, .write], [.read, .read]),
        ([.write, .read], [.write, .read]),
    ]

    @Test func noReadIsOlderThanAnAcknowledgedWrite() {
        for (first, second) in Self.programs {
            let result = Self.search(first, second, without: nil)
            #expect(result.fault == nil, "\(first) \(second)")
            #expect(result.states > 1000)
        }
    }

    @Test(arguments: CoherenceModel.Rule.allCases)
    func eachRuleIsNeeded(_ rule: CoherenceModel.Rule) {
        let faults = Self.programs.lazy.compactMap { Self.search($0.0, $0.1, without: rule).fault }
        #expect(faults.first != nil)
    }

    /// Tries every order of steps, depth first, and each state once. A state is reached anew by its steps, since the fence cannot be copied.
    /// - Returns: the steps that lead to a fault, nil if none do.
    private static func search(_ first: Operations, _ second: Operations, without: CoherenceModel.Rule?) -> (
        fault: [CoherenceModel.Step]?, states: Int
    ) {
        let fence = CoherenceFence(connectionCount: 2, slots: SlotTable())
        func model(after steps: [CoherenceModel.Step]) -> CoherenceModel {
            var model = CoherenceModel(first, second, foreignWrites: 1, disconnects: 1, without: without, fence: fence)
            for step in steps { model.take(step) }
            return model
        }
        var seen: Set<AnyHashable> = []
        var pending: [[CoherenceModel.Step]] = [[]]
        while let steps = pending.popLast() {
            let model = model(after: steps)
            guard !model.isViolated, !model.isStaleAtRest else { return (steps, seen.count) }
            guard seen.insert(model.fingerprint).inserted else { continue }
            for step in model.steps { pending.append(steps + [step]) }
        }
        return (nil, seen.count)
    }
}

/// What the model leaves out: a connection that does not answer for a while, and the end of all trust.
struct CoherenceFenceTests {
    private let slots = SlotTable()
    private let fence: CoherenceFence
    private let hash = MemoryKeyHash(value: 1 << 40)
    private let now = MonotonicTime(milliseconds: 7)

    init() {
        self.fence = CoherenceFence(connectionCount: 2, slots: self.slots)
    }

    private func ticket() -> CoherenceFence.Ticket { self.fence.ticket(for: self.hash, at: self.slots.place(ofSlot: 9), over: 0) }

    @Test func aSlotThatMayHaveMovedInvalidatesWhatIsUnderWay() {
        self.fence.begin(0)
        let ticket = self.ticket()
        self.slots.raise(8)
        #expect(self.fence.isValid(ticket) && self.fence.isUnchanged(ticket), "another slot")
        self.slots.raise(9)
        #expect(!self.fence.isValid(ticket) && !self.fence.isUnchanged(ticket))
        #expect(self.fence.isValid(self.ticket()))
    }

    @Test func aTicketOfNoConnectionIsNeverValid() {
        let ticket = self.ticket()
        #expect(!self.fence.isValid(ticket))
        self.fence.begin(0)
        #expect(!self.fence.isValid(ticket))
    }

    @Test func aSuspendedConnectionVouchesAgainWhenItAnswers() {
        self.fence.begin(0)
        let ticket = self.ticket()
        self.fence.end(0, now: self.now)
        #expect(self.fence.trust(ticket.coverage) == .lastKnown(since: self.now))
        #expect(!self.fence.isValid(ticket) && !self.fence.isValid(self.ticket()))
        self.fence.resume(0)
        #expect(self.fence.trust(ticket.coverage) == .current)
        #expect(self.fence.isValid(ticket))
    }

    @Test func aConnectionThatIsLostInSilenceDoesNotVouchAgain() {
        self.fence.begin(0)
        let ticket = self.ticket()
        self.fence.end(0, now: self.now)
        self.fence.end(0, now: MonotonicTime(milliseconds: 9))
        #expect(self.fence.trust(ticket.coverage) == .lastKnown(since: self.now))
        self.fence.begin(0)
        #expect(self.fence.trust(ticket.coverage) == .none)
        self.fence.end(0, now: self.now)
        #expect(self.fence.trust(ticket.coverage) == .none)
    }

    @Test(arguments: [false, true]) func nothingIsKnownOnceEverythingIsForgotten(_ isSuspended: Bool) {
        self.fence.begin(0)
        let ticket = self.ticket()
        if isSuspended { self.fence.end(0, now: self.now) }
        self.fence.forgetEverything()
        #expect(self.fence.trust(ticket.coverage) == .none)
        if isSuspended { self.fence.resume(0) }
        #expect(self.fence.trust(ticket.coverage) == .none)
        #expect(!self.fence.isValid(ticket))
        #expect(self.fence.isValid(self.ticket()), "the connection vouches for what is read from now on")
    }

    @Test func oneConnectionDoesNotVouchForAnother() {
        self.fence.begin(0)
        let ticket = self.ticket()
        self.fence.begin(1)
        self.fence.end(0, now: self.now)
        #expect(self.fence.trust(ticket.coverage) == .lastKnown(since: self.now))
        self.fence.end(1, now: self.now)
        self.fence.begin(1)
        #expect(self.fence.trust(ticket.coverage) == .lastKnown(since: self.now))
    }
}
