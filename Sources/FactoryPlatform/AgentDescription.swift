/// What the platform shall know of this agent: the body of a registration and of an update.
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
    /// The document that asked for this agent; it is left alone where this is nil.
    package let requirementsIdentifier: String?
    /// A registration ignores both: only an update sets them.
    package let status: String
    package let healthStatus: String

    /// - Parameters:
    ///   - selfURL: where this service is reached, without a path.
    ///   - isDegraded: whether memory stands in for Redis.
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
