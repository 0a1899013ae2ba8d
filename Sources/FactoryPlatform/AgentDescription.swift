/// What the platform is to know about this agent: the body of a registration and of an update.
package struct AgentDescription: Sendable, Hashable, Encodable {
    enum CodingKeys: String, CodingKey {
        case name, description, purpose, version, status, capabilities
        case agentType = "agent_type"
        case repositoryURL = "repository_url"
        case deploymentURL = "deployment_url"
        case healthCheckURL = "health_check_url"
        case healthStatus = "health_status"
        case requirementsIdentifier = "prd_id"
    }

    package let name: String
    package let description: String
    package let purpose: String
    package let agentType: String
    package let version: String
    package let repositoryURL: String
    package let deploymentURL: String
    package let healthCheckURL: String
    package let capabilities: [String]
    /// The requirements document of this agent; the platform's value stays if this is nil.
    package let requirementsIdentifier: String?
    /// A registration ignores both: only an update sets them.
    package let status: String
    package let healthStatus: String

    /// - Parameters:
    ///   - selfURL: where this service is reached, without a path.
    ///   - isDegraded: whether memory serves instead of Redis.
    package init(
        name: String, version: String, selfURL: String, repositoryURL: String?, requirementsIdentifier: String?, isDegraded: Bool
    ) {
        let base = selfURL.hasSuffix("/") ? String(selfURL.dropLast()) : selfURL
        self.name = name
        self.description = "HTTP cache over Redis: set with TTL, get, delete, invalidate by pattern, statistics, health and Prometheus metrics."
        self.purpose = "Caches what is expensive to fetch, so that services answer faster and spare their database."
        self.agentType = "api_service"
        self.version = version
        self.repositoryURL = repositoryURL ?? base
        self.deploymentURL = base
        self.healthCheckURL = base + "/health"
        self.capabilities = [
            "cache_set", "cache_get", "cache_delete", "cache_invalidate", "cache_stats", "health_monitoring", "metrics_collection",
        ]
        self.requirementsIdentifier = requirementsIdentifier
        self.status = "active"
        self.healthStatus = isDegraded ? "degraded" : "healthy"
    }
}

/// What the platform knows about an agent, as far as it matters here.
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

    /// Whether the identifier, which is the platform's input to us, may become part of a URL.
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

    /// Whether the platform knows everything that it should.
    func matches(_ description: AgentDescription) -> Bool {
        self.name == description.name && self.description == description.description && self.purpose == description.purpose
            && self.agentType == description.agentType && self.version == description.version
            && self.repositoryURL == description.repositoryURL && self.deploymentURL == description.deploymentURL
            && self.healthCheckURL == description.healthCheckURL && self.capabilities == description.capabilities
            && (description.requirementsIdentifier == nil || self.requirementsIdentifier == description.requirementsIdentifier)
            && self.status == description.status && self.healthStatus == description.healthStatus
    }
}

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
