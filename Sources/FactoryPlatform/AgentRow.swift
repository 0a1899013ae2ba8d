/// What the platform knows of an agent, as far as it matters here. Everything else it says is its own.
package struct AgentRow: Sendable, Hashable, Decodable {
    enum CodingKeys: String, CodingKey {
        case id, name, description, purpose, version, status, capabilities
        case agentType = "agent_type"
        case repositoryURL = "repository_url"
        case deploymentURL = "deployment_url"
        case healthCheckURL = "health_check_url"
        case healthStatus = "health_status"
        case requirementsIdentifier = "prd_id"
    }

    package var id: String
    package var name: String
    package var description: String?
    package var purpose: String?
    package var agentType: String?
    package var version: String?
    package var repositoryURL: String?
    package var deploymentURL: String?
    package var healthCheckURL: String?
    package var capabilities: [String]?
    package var requirementsIdentifier: String?
    package var status: String?
    package var healthStatus: String?

    /// Whether an address can be made of the identifier: it comes from elsewhere.
    var hasUsableIdentifier: Bool {
        (1...64).contains(self.id.utf8.count)
            && self.id.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }

    /// Whether the platform knows all that it should.
    func matches(_ description: AgentDescription) -> Bool {
        self.name == description.name && self.description == description.description && self.purpose == description.purpose
            && self.agentType == description.agentType && self.version == description.version
            && self.repositoryURL == description.repositoryURL && self.deploymentURL == description.deploymentURL
            && self.healthCheckURL == description.healthCheckURL && self.capabilities == description.capabilities
            && (description.requirementsIdentifier == nil || self.requirementsIdentifier == description.requirementsIdentifier)
            && self.status == description.status && self.healthStatus == description.healthStatus
    }
}
