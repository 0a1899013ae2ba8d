package import NIOCore

/// When which node of a cluster is asked who owns what, and which answer is believed: one for the whole process, as a value.
///
///     waiting ── timer ──► asking a node ── answer or failure ──► asking another, or waiting
///
/// Nodes learn of changes one after the other, and one that is cut off from the others goes on telling what was. So an answer that would be a step back
/// is refused, and the next node is asked. Triggers come in hundreds when a node dies: only the first is acted on soon, and each refresh that changes
/// nothing doubles the time to the next, so that many instances do not wear down the nodes that are left.
package struct TopologyRefresh: ~Copyable {
    /// Who is asked.
    package enum Source: Hashable, Sendable {
        /// The address that the settings name, resolved anew: it may be any node.
        case seed
        /// An owner, by its identifier.
        case node(String)
    }

    /// What to do next.
    package enum Action: Equatable, Sendable {
        case ask(Source)
        /// The view has changed, or what is known besides it may no longer hold: `slots` have other owners.
        case adopt(ClusterTopology, slots: [HashSlot])
        /// Call `timerFired` at `wakeUp`.
        case wait
    }

    /// Why a refresh is wanted before its time.
    package enum Trigger: Hashable, Sendable, CaseIterable {
        case moved, unknownAddress, uncoveredSlot, clusterDown, recovery
    }

    /// How often, in general and while something is wrong.
    package struct Pace: Sendable, Hashable {
        /// Between two refreshes while nothing happens; a fifth more or less, at random.
        package var period = TimeAmount.seconds(60)
        /// The first trigger is acted on within this time, at random.
        package var promptness = TimeAmount.milliseconds(100)
        /// Between two refreshes while there are triggers, at first; doubles while nothing changes.
        package var minimumPause = TimeAmount.seconds(1)
        /// The bound of that.
        package var maximumPause = TimeAmount.seconds(15)
        /// Every so many refreshes the seed is asked.
        package var seedInterval = 10

        package init() {}
    }

    private enum State {
        case waiting(isTriggered: Bool)
        case asking(Source, nodesAsked: Set<String>)
    }

    /// Nodes that are asked in one refresh before the seed is.
    private static let maximumNodesAsked = 2

    private let pace: Pace
    private var state = State.waiting(isTriggered: true)
    /// What is believed; nil before the first answer.
    package private(set) var view: ClusterTopology?
    /// When `timerFired` is to be called, unless a node is being asked.
    package private(set) var wakeUp: NIODeadline
    /// Since when the next triggered refresh may come.
    private var earliest: NIODeadline
    private var pause: TimeAmount
    private var refreshes = 0
    /// Of the views that were refused in this refresh because a node was down, the newest.
    private var bestRefused: ClusterTopology?
    private var anyNodeAnswered = false
    private var isTriggeredMeanwhile = false
    /// A node has said of a slot that nobody serves it, since a view was adopted. The view may not know: the slot may be served again before anybody looks.
    private var mayBeUncovered = false

    /// The first refresh is due at once.
    package init(pace: Pace = Pace(), now: NIODeadline) {
        self.pace = pace
        self.wakeUp = now
        self.earliest = now
        self.pause = pace.minimumPause
    }

    /// Something says that the view may be out of date.
    /// - Parameter random: 0 to 1.
    package mutating func triggered(_ trigger: Trigger, now: NIODeadline, random: Double) {
        if trigger == .uncoveredSlot { self.mayBeUncovered = true }
        guard case .waiting(let isTriggered) = self.state else {
            self.isTriggeredMeanwhile = true
            return
        }
        guard !isTriggered else { return }
        self.state = .waiting(isTriggered: true)
        self.wakeUp = min(self.wakeUp, max(now + Self.share(random, of: self.pace.promptness), self.earliest))
    }

    /// - Parameter reachable: the identifiers of the owners to which there is a connection.
    package mutating func timerFired(reachable: [String], now: NIODeadline, random: Double) -> Action {
        guard case .waiting = self.state, now >= self.wakeUp else { return .wait }
        self.bestRefused = nil
        self.anyNodeAnswered = false
        self.isTriggeredMeanwhile = false
        self.refreshes += 1
        let wantsSeed = self.view == nil || self.refreshes.isMultiple(of: self.pace.seedInterval)
        return self.ask(wantsSeed ? nil : Self.choice(of: reachable, random), [])
    }

    private mutating func ask(_ node: String?, _ asked: Set<String>) -> Action {
        let source = node.map { Source.node($0) } ?? .seed
        self.state = .asking(source, nodesAsked: node.map { asked.union([$0]) } ?? asked)
        return .ask(source)
    }

    /// The node that was asked has answered.
    package mutating func answered(_ view: ClusterTopology, reachable: [String], now: NIODeadline, random: Double) -> Action {
        guard case .asking(let source, let asked) = self.state else { return .wait }
        if source != .seed { self.anyNodeAnswered = true }
        guard self.isBelieved(view, from: source) else {
            if !view.isWhole, self.isKnown(view), view.epoch >= (self.bestRefused ?? self.view)?.epoch ?? 0 { self.bestRefused = view }
            return self.askAnother(source, asked, reachable, now, random)
        }
        return self.adopt(view, now, random)
    }

    /// The node that was asked has not answered, or not as it should.
    package mutating func failed(reachable: [String], now: NIODeadline, random: Double) -> Action {
        guard case .asking(let source, let asked) = self.state else { return .wait }
        return self.askAnother(source, asked, reachable, now, random)
    }

    private mutating func askAnother(
        _ source: Source, _ asked: Set<String>, _ reachable: [String], _ now: NIODeadline, _ random: Double
    ) -> Action {
        if source != .seed {
            let others = asked.count < Self.maximumNodesAsked ? reachable.filter { !asked.contains($0) } : []
            return self.ask(Self.choice(of: others, random), asked)
        }
        // Everybody says that the cluster is down: then the newest of these views is the best there is.
        if let view = self.bestRefused { return self.adopt(view, now, random) }
        self.wait(hasChanged: false, now, random)
        return .wait
    }

    private mutating func adopt(_ view: ClusterTopology, _ now: NIODeadline, _ random: Double) -> Action {
        let slots = self.view.map { view.changedSlots(since: $0) } ?? []
        let hasChanged = self.view != view
        let isNews = hasChanged || self.mayBeUncovered
        self.mayBeUncovered = false
        self.view = view
        self.wait(hasChanged: hasChanged, now, random)
        return isNews ? .adopt(view, slots: slots) : .wait
    }

    private mutating func wait(hasChanged: Bool, _ now: NIODeadline, _ random: Double) {
        self.earliest = now + self.pause
        self.pause = hasChanged || !self.isTriggeredMeanwhile ? self.pace.minimumPause : min(self.pause * 2, self.pace.maximumPause)
        // Without any view there is nothing to serve by, so that counts as a trigger.
        let isTriggered = self.isTriggeredMeanwhile || self.view == nil
        self.state = .waiting(isTriggered: isTriggered)
        self.wakeUp = isTriggered ? self.earliest : now + Self.share(0.8 + 0.4 * random, of: self.pace.period)
    }

    // MARK: What is believed

    private func isBelieved(_ view: ClusterTopology, from source: Source) -> Bool {
        guard view.servedSlots > 0 else { return false }
        guard let current = self.view else { return true }
        guard self.isKnown(view) else {
            // Another cluster under the same address: only if nothing is left of the one that was.
            return source == .seed && !self.anyNodeAnswered
        }
        return view.epoch >= current.epoch && (view.isWhole || !current.isWhole)
    }

    /// Whether the view is of the same cluster.
    private func isKnown(_ view: ClusterTopology) -> Bool {
        guard let current = self.view else { return true }
        let known = Set(current.nodes.map(\.identifier))
        return view.nodes.contains { known.contains($0.identifier) }
    }

    private static func choice(of nodes: [String], _ random: Double) -> String? {
        nodes.isEmpty ? nil : nodes[min(nodes.count - 1, Int(random * Double(nodes.count)))]
    }

    private static func share(_ share: Double, of time: TimeAmount) -> TimeAmount { .nanoseconds(Int64(share * Double(time.nanoseconds))) }
}
