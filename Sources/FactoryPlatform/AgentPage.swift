/// One page of the platform's list of agents.
package struct AgentPage: Sendable, Hashable, Decodable {
    enum CodingKeys: String, CodingKey {
        case agents
        case hasNext = "has_next"
    }

    package var agents: [AgentRow]
    package var hasNext: Bool

    package init(agents: [AgentRow], hasNext: Bool = false) {
        self.agents = agents
        self.hasNext = hasNext
    }
}
