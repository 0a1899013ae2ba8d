import Testing

@testable import FactoryPlatform

/// The plan as traces.
struct RegistrationPlanTests {
    private static let description = AgentDescription(
        name: "A", version: "1", selfURL: "https://a", repositoryURL: "https://r", requirementsIdentifier: nil, isDegraded: false)

    private static func row(_ id: String = "7", name: String = "A", status: String = "active", health: String = "healthy") -> AgentRow {
        AgentRow(
            id: id, name: name, description: self.description.description, purpose: self.description.purpose, agentType: "api_service",
            version: "1", repositoryURL: "https://r", deploymentURL: "https://a", healthCheckURL: "https://a/health",
            capabilities: self.description.capabilities, requirementsIdentifier: "somebody's", status: status, healthStatus: health)
    }

    private static func steps(_ events: [RegistrationEvent], _ goal: RegistrationPlan.Goal = .current) -> [RegistrationStep] {
        var plan = RegistrationPlan(self.description, goal: goal)
        return events.map { plan.next($0, random: 0.5) }
    }

    private static let others = AgentPage(agents: [row("1", name: "B")])
    private static let none = AgentPage(agents: [])

    @Test func absentTwiceIsAbsent() {
        #expect(
            Self.steps([.started, .listed(Self.others), .waited, .listed(Self.others), .saved(Self.row(status: "draft")), .saved(Self.row())]) == [
                .list(skip: 0), .wait(seconds: 0.75, why: "the agent is not listed"), .list(skip: 0), .create, .update(identifier: "7"),
                .registered(identifier: "7"),
            ])
    }

    @Test func anEmptyListIsDoubted() {
        let steps = Self.steps([.started] + (0..<4).flatMap { _ in [.listed(Self.none), .waited] })
        #expect(
            steps == [
                .list(skip: 0), .wait(seconds: 0.75, why: "the agent is not listed"), .list(skip: 0),
                .wait(seconds: 1.5, why: "the agent is not listed"), .list(skip: 0), .wait(seconds: 3, why: "the agent is not listed"),
                .list(skip: 0), .create, .list(skip: 0),
            ])
    }

    @Test func aFailureBeginsAnew() {
        let steps = Self.steps([
            .started, .listed(Self.others), .waited, .failed("x"), .waited, .listed(Self.others), .waited, .listed(Self.others), .failed("y"),
            .waited,
            .listed(AgentPage(agents: [Self.row(status: "draft")])), .saved(Self.row()),
        ])
        #expect(
            steps == [
                .list(skip: 0), .wait(seconds: 0.75, why: "the agent is not listed"), .list(skip: 0), .wait(seconds: 0.5, why: "x"), .list(skip: 0),
                .wait(seconds: 0.75, why: "the agent is not listed"), .list(skip: 0), .create, .wait(seconds: 1, why: "y"), .list(skip: 0),
                .update(identifier: "7"), .registered(identifier: "7"),
            ])
    }

    @Test func pausesDoubleUpToABound() {
        var plan = RegistrationPlan(Self.description)
        let pauses = (0..<20).map { _ in
            guard case .wait(let seconds, _) = plan.next(.failed(""), random: 1) else { return -1.0 }
            return seconds
        }
        #expect(pauses.prefix(10) == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300] && pauses.last == 300)
        guard case .wait(let least, _) = plan.next(.failed(""), random: 0) else { return }
        #expect(least == 0.1)
    }

    @Test func anUpdateThatChangesNothingIsNoSuccess() {
        let draft = Self.row(status: "draft")
        #expect(
            Self.steps([.started, .listed(AgentPage(agents: [draft])), .saved(draft)])
                == [.list(skip: 0), .update(identifier: "7"), .wait(seconds: 0.5, why: "the platform did not take the update")])
    }

    @Test(arguments: ["", "..", "a/b", "a b", "\u{E9}", String(repeating: "x", count: 65)]) func identifiersThatMakeNoAddress(_ id: String) {
        #expect(
            Self.steps([.started, .listed(AgentPage(agents: [Self.row(id, status: "draft")]))])
                == [.list(skip: 0), .wait(seconds: 0.5, why: "the platform gave no usable identifier")])
    }

    @Test func pagesWithoutEndEnd() {
        var plan = RegistrationPlan(Self.description)
        var step = plan.next(.started, random: 0)
        var pages = 0
        while case .list = step {
            step = plan.next(.listed(AgentPage(agents: [Self.row("1", name: "B")], hasNext: true)), random: 0)
            pages += 1
        }
        #expect(pages == RegistrationPlan.maximumPages)
    }

    @Test func whatMatters() {
        #expect(Self.row().matches(Self.description), "a requirements document that nobody asked for is left alone")
        #expect(!Self.row(status: "draft").matches(Self.description))
        #expect(!Self.row(health: "unknown").matches(Self.description))
        #expect(!Self.row(name: "a").matches(Self.description))
    }

    @Test func goneAndRefused() {
        #expect(
            Self.steps([.started, .listed(AgentPage(agents: [Self.row(status: "draft")])), .gone, .waited, .refused("no")])
                == [.list(skip: 0), .update(identifier: "7"), .wait(seconds: 0.5, why: "the agent is gone"), .list(skip: 0), .refused("no")])
    }
}
