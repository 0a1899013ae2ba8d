/// How the agent comes to be known to the platform once, and active: a value that decides, step by step.
///
/// The platform's registration is no upsert to be used lightly. A second one of the same name takes the agent's status and figures away, or fails after it
/// has written; a list is empty, with status 200, where its database does not answer. So an agent is registered only after several lists in a row did
/// not have it, nothing is written where nothing differs, and whatever fails begins again with the list: the write may have happened.
package struct RegistrationPlan: Sendable {
    package static let pageSize = 1000
    /// The most pages of one look: a list without end is none.
    static let maximumPages = 100
    /// Lists without the agent, one after the other, that make it absent.
    static let absencesNeeded = 2
    /// The same where the lists were wholly empty, which is how a platform that lost its database looks.
    static let emptyAbsencesNeeded = 4
    static let longestPauseSeconds = 300.0

    package enum Goal: Sendable {
        /// The platform knows all that it should, and the agent is active.
        case current
        /// The platform knows the agent; what people changed since then is theirs.
        case present
    }

    private let description: AgentDescription
    private let goal: Goal
    private var skip = 0
    private var seen = 0
    private var absences = 0
    private var failures = 0
    private var isCreating = false

    package init(_ description: AgentDescription, goal: Goal = .current) {
        self.description = description
        self.goal = goal
    }

    /// - Parameter random: uniform in 0 ..< 1.
    package mutating func next(_ event: RegistrationEvent, random: Double) -> RegistrationStep {
        switch event {
        case .started, .waited:
            return self.look()
        case .listed(let page):
            return self.judge(page, random)
        case .saved(let row):
            return self.saved(row, random)
        case .gone:
            return self.pause("the agent is gone", random)
        case .refused(let detail):
            return .refused(detail)
        case .failed(let reason):
            // The write may have happened.
            self.absences = 0
            return self.pause(reason, random)
        }
    }

    private mutating func look() -> RegistrationStep {
        self.isCreating = false
        self.skip = 0
        self.seen = 0
        return .list(skip: 0)
    }

    private mutating func judge(_ page: AgentPage, _ random: Double) -> RegistrationStep {
        if let row = page.agents.first(where: { $0.name == self.description.name }) {
            self.absences = 0
            guard row.hasUsableIdentifier else { return self.pause("the platform gave no usable identifier", random) }
            if self.goal == .present || row.matches(self.description) { return self.registered(row) }
            return .update(identifier: row.id)
        }
        self.seen += page.agents.count
        self.skip += Self.pageSize
        if page.hasNext, !page.agents.isEmpty, self.skip < Self.pageSize * Self.maximumPages { return .list(skip: self.skip) }
        self.absences += 1
        guard self.absences >= (self.seen == 0 ? Self.emptyAbsencesNeeded : Self.absencesNeeded) else {
            return .wait(seconds: Double(1 << (self.absences - 1)) * (0.5 + random / 2), why: "the agent is not listed")
        }
        self.absences = 0
        self.isCreating = true
        return .create
    }

    private mutating func saved(_ row: AgentRow, _ random: Double) -> RegistrationStep {
        guard row.hasUsableIdentifier else { return self.pause("the platform gave no usable identifier", random) }
        guard !row.matches(self.description) else { return self.registered(row) }
        // A registration leaves a draft, which an update makes active. An update that changed nothing is no success.
        guard self.isCreating else { return self.pause("the platform did not take the update", random) }
        self.isCreating = false
        return .update(identifier: row.id)
    }

    private mutating func registered(_ row: AgentRow) -> RegistrationStep {
        self.failures = 0
        return .registered(identifier: row.id)
    }

    /// Full jitter, so that ten instances do not come back at once.
    /// https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    private mutating func pause(_ reason: String, _ random: Double) -> RegistrationStep {
        let bound = min(Self.longestPauseSeconds, Double(1 << min(self.failures, 16)))
        self.failures += 1
        return .wait(seconds: max(0.1, bound * random), why: reason)
    }
}
