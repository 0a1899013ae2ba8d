import Backoff
import NIOCore

/// How to register the agent exactly once, and active: a value that decides, step by step.
///
/// The platform's registration is no safe upsert. A second one of the same name resets the agent's status and figures, or fails after it has
/// written; a list is empty, with status 200, if the platform's database does not answer. So an agent is registered only after several lists in a
/// row did not have it, nothing is written if nothing differs, and after any failure the plan begins again with the list: the write may have
/// happened.
package struct RegistrationPlan: Sendable {
    package static let pageSize = 1000
    /// The most pages that are read: a list without end is no list.
    static let maximumPages = 100
    /// How many lists in a row must lack the agent before it counts as absent.
    static let absencesNeeded = 2
    /// The same if the lists were empty, as those of a platform that lost its database are.
    static let emptyAbsencesNeeded = 4
    private static let backoff = JitteredBackoff(base: .seconds(1), cap: .minutes(5))

    package enum Goal: Sendable {
        /// The platform knows everything about the agent that it should, and the agent is active.
        case current
        /// The platform knows the agent; what people have changed since then stays.
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

    private mutating func pause(_ reason: String, _ random: Double) -> RegistrationStep {
        defer { self.failures += 1 }
        return .wait(seconds: max(0.1, Self.backoff.pause(.attempt(self.failures), random: random).inSeconds), why: reason)
    }
}

/// What is to be done next.
package enum RegistrationStep: Sendable, Hashable {
    /// Ask for the agents from the `skip`th on.
    case list(skip: Int)
    case create
    case update(identifier: String)
    case wait(seconds: Double, why: String)
    /// Nothing: the platform knows the agent.
    case registered(identifier: String)
    /// Nothing, ever: an operator must look at it.
    case refused(String)
}

/// What came of a step.
package enum RegistrationEvent: Sendable, Hashable {
    case started
    case waited
    case listed(AgentPage)
    /// The platform's answer to a registration or an update.
    case saved(AgentRow)
    /// The agent that was to be updated no longer exists.
    case gone
    /// The platform rejects this for good; trying again is pointless.
    case refused(String)
    /// It did not work, or it did and no answer came.
    case failed(String)
}

extension RegistrationEvent {
    /// For a person.
    var summary: String {
        switch self {
        case .started, .waited: "begins"
        case .listed(let page): "\(page.agents.count) agents\(page.hasNext ? ", and more" : "")"
        case .saved(let row): "\(row.id) is \(row.status ?? "of no status")"
        case .gone: "not found"
        case .refused(let detail): "refused: \(detail)"
        case .failed(let reason): "failed: \(reason)"
        }
    }

    /// For a metric.
    var result: String {
        switch self {
        case .started, .waited, .listed, .saved: "ok"
        case .gone: "not_found"
        case .refused: "refused"
        case .failed: "failed"
        }
    }
}
