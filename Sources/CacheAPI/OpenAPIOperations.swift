import Access
import JSON

/// The operations: one description for each that a route of the table has.
extension OpenAPIDocument {
    /// The paths of the table with what is described of them, in its order.
    var paths: [(String, JSONNode)] {
        self.table.routes.compactMap { route in
            let operations = route.endpoints.compactMap { endpoint -> (String, JSONNode)? in
                self.operation(endpoint).map { (endpoint.method.openAPIName, $0) }
            }
            return operations.isEmpty ? nil : (route.path, .object(operations))
        }
    }

    /// The description of an endpoint; nil for files that pages load, and for HEAD unless a client would ask it for its own sake.
    ///
    /// With any other method `/cache/batch`, `/cache/invalidate` and `/cache/stats` name the keys `batch`, `invalidate` and `stats`. The document leaves that out: `?key=`
    /// reaches every key.
    private func operation(_ endpoint: Endpoint) -> JSONNode? {
        let scope = endpoint.scope?.name
        switch (endpoint.operation, endpoint.method) {
        case (.cache(.get(let place)), .head): return self.head(place)
        case (_, .head): return nil
        case (.cache(.get(let place)), _): return self.get(place, scope)
        case (.cache(.delete(let place)), _): return self.delete(place, scope)
        case (.cache(.expire(let place)), _): return self.expire(place, scope)
        case (.cache(.set), _): return self.set(scope)
        case (.cache(.batch), _): return self.batch
        case (.cache(.invalidate), _): return self.invalidate(scope)
        case (.cache(.statistics), _): return self.statistics(scope)
        case (.value(let operation), let method): return self.value(operation, method, scope)
        case (.page(let page), _): return self.page(page, scope)
        }
    }

    private func page(_ page: RouteOperation.Page, _ scope: String?) -> JSONNode? {
        switch page {
        case .greeting:
            self.operation("greeting", "service", "Name and version", [("200", Self.json("Name and version", Self.schema("Greeting")))])
        case .health:
            self.operation(
                "health", "service", "Health of the service and its Redis",
                [("200", Self.json("Always 200, also if the service is degraded: it still serves", Self.schema("Health")))])
        case .live: self.status("live", "Whether the process is alive")
        case .ready: self.status("ready", "Whether the service accepts requests")
        case .startup: self.status("startup", "Whether the service has started")
        case .metrics: self.metrics(scope)
        case .openAPI: self.page("openapi", "This document", "application/json")
        case .swaggerUI: self.page("docs", "This document in Swagger UI")
        case .reDoc: self.page("redoc", "This document in ReDoc")
        case .dashboard: self.page("dashboard", "Live dashboard")
        case .dashboardFigures:
            self.page("dashboardFigures", "Figures of the dashboard", "application/json", scope: scope, parameters: [self.have])
        case .dashboardKey: self.inspection(scope)
        case .documentationFile, .dashboardFile: nil
        }
    }

    private var have: JSONNode {
        [
            "name": "have", "in": "query", "required": false, "schema": ["type": "string"],
            "description": "What the caller has of the history, as `INSTANCE:TIME_MS,...` of earlier answers: only what has come since is sent",
        ]
    }

    /// Statuses that any request can have.
    private static let anywhere: [(String, JSONNode)] = [
        ("400", response("BadRequest")), ("405", response("MethodNotAllowed")), ("414", response("TargetTooLong")), ("429", response("TooOften")),
        ("431", response("HeadersTooLarge")), ("503", response("Overloaded")),
    ]

    /// - Parameters:
    ///   - scope: the scope that a caller needs if there is access control; nil if the operation is public.
    ///   - description: what else is to be said of it.
    func operation(
        _ identifier: String, _ tag: String, _ summary: String, scope: String? = nil, description: String? = nil, parameters: [JSONNode] = [],
        body: JSONNode? = nil,
        _ responses: [(String, JSONNode)]
    ) -> JSONNode {
        var responses = responses
        var members: [(String, JSONNode)] = [("operationId", .string(identifier)), ("tags", [.string(tag)]), ("summary", .string(summary))]
        if !parameters.isEmpty { members.append(("parameters", .array(parameters))) }
        if let body { members.append(("requestBody", body)) }
        let required = self.hasAccessControl ? scope.map { "Requires the scope `\($0)`." } : nil
        let sentences = [description, required].compactMap(\.self)
        if !sentences.isEmpty { members.append(("description", .string(sentences.joined(separator: " ")))) }
        if scope != nil, self.hasAccessControl {
            members.append(("security", Self.security))
            responses.append(("401", Self.response("Unauthorized")))
            if !responses.contains(where: { $0.0 == "403" }) { responses.append(("403", Self.response("Forbidden"))) }
        }
        members.append(
            ("responses", .object((responses + Self.anywhere.filter { status in !responses.contains { $0.0 == status.0 } }).sorted { $0.0 < $1.0 })))
        return .object(members)
    }

    static func body(_ schema: String) -> JSONNode {
        ["required": true, "content": ["application/json": ["schema": self.schema(schema)]]]
    }

    // MARK: The cache

    func key(in place: RouteOperation.KeyPlace) -> JSONNode {
        ["name": "key", "in": .string(place.rawValue), "required": true, "description": "The key", "schema": self.keySchema]
    }

    private func get(_ place: RouteOperation.KeyPlace, _ scope: String?) -> JSONNode {
        self.operation(
            place.identifier("getValue"), "cache", "Get a value", scope: scope,
            parameters: [self.key(in: place), Self.ifNoneMatch, Self.ifMatch] + Self.leaseParameters,
            [
                (
                    "200",
                    Self.json(
                        "The value", Self.schema("GetAnswer"), headers: Self.valueHeaders,
                        example: ["success": true, "key": "agent:1", "value": ["name": "crawler"]])
                ), Self.notModified, ("403", Self.response("Forbidden")), ("404", Self.response("KeyNotFound")), Self.leaseOver,
                ("412", Self.response("PreconditionFailed")), ("415", Self.response("NotText")), ("422", Self.response("Invalid")),
                ("507", Self.response("NoRoom")),
            ])
    }

    /// The head of what GET would answer.
    private func head(_ place: RouteOperation.KeyPlace) -> JSONNode {
        let statuses = ["200", "403", "404", "415", "422"] + (self.hasAccessControl ? ["401"] : [])
        let security: JSONNode = self.hasAccessControl ? ["security": Self.security] : [:]
        let operation: JSONNode = [
            "operationId": .string(place.identifier("headValue")), "tags": ["cache"], "summary": "Check whether a key has a value",
            "parameters": [self.key(in: place)],
            "responses": .object(
                statuses.map { status -> (String, JSONNode) in
                    (status, ["description": "As for GET, without the body", "headers": .object(Self.commonHeaders)])
                } + Self.anywhere),
        ]
        return operation.merging(security)
    }

    private func delete(_ place: RouteOperation.KeyPlace, _ scope: String?) -> JSONNode {
        self.operation(
            place.identifier("deleteValue"), "cache", "Delete a value, or give up its lease", scope: scope,
            parameters: [self.key(in: place), Self.leaseToken("Give up this lease, and delete nothing")],
            [
                (
                    "200",
                    Self.json(
                        "The value is deleted, or will be when Redis is available again", Self.schema("DeleteAnswer"), headers: Self.cacheHeaders,
                        example: ["success": true, "key": "agent:1", "message": "Key deleted successfully"])
                ), ("403", Self.response("Forbidden")), ("404", Self.response("KeyNotFound")), Self.leaseOver, ("422", Self.response("Invalid")),
            ])
    }

    private func expire(_ place: RouteOperation.KeyPlace, _ scope: String?) -> JSONNode {
        self.operation(
            place.identifier("setTimeToLive"), "cache", "Change the time to live of a value", scope: scope, parameters: [self.key(in: place)],
            body: Self.body("ExpireRequest"),
            [
                (
                    "200",
                    Self.json(
                        "The value has the new time to live", Self.schema("ExpireAnswer"), headers: Self.cacheHeaders,
                        example: ["success": true, "key": "agent:1", "message": "Time to live set: 60"])
                ), ("403", Self.response("Forbidden")), ("404", Self.response("KeyNotFound")), ("413", Self.response("ContentTooLarge")),
                ("422", Self.response("Invalid")), ("503", Self.response("Unavailable")),
            ])
    }

    private func set(_ scope: String?) -> JSONNode {
        let link = { (operation: String) -> JSONNode in
            ["operationId": .string(operation), "parameters": ["key": "$request.body#/key"]]
        }
        let stored = Self.json(
            "The value is stored", Self.schema("SetAnswer"), headers: Self.cacheHeaders,
            example: ["success": true, "key": "agent:1", "message": "Value cached successfully with TTL: 60"]
        ).merging(["links": ["get": link("getValue"), "getByQuery": link("getValueByQuery"), "delete": link("deleteValue")]])
        return self.operation(
            "setValue", "cache", "Store a value", scope: scope,
            parameters: [Self.leaseToken("Store the value only if this lease still stands")], body: Self.body("SetRequest"),
            [
                ("200", stored), ("403", Self.response("Forbidden")), Self.leaseOver,
                ("413", Self.response("ContentTooLarge")), ("422", Self.response("Invalid")), ("507", Self.response("NoRoom")),
            ])
    }

    private func invalidate(_ scope: String?) -> JSONNode {
        self.operation(
            "invalidate", "cache", "Delete all keys that match a pattern, or count them; or invalidate a tag", scope: scope,
            body: Self.body("InvalidateRequest"),
            [
                (
                    "200",
                    Self.json(
                        "The keys are deleted, or counted; or the tag is invalidated",
                        ["anyOf": [Self.schema("InvalidateAnswer"), Self.schema("TagAnswer")]], headers: Self.cacheHeaders,
                        example: ["success": true, "pattern": "agent:*", "keys_deleted": 3, "message": "Invalidated 3 keys matching pattern"])
                ), ("403", Self.response("Forbidden")), ("413", Self.response("ContentTooLarge")), ("422", Self.response("Invalid")),
                ("503", Self.response("Unfinished")),
            ])
    }

    private func statistics(_ scope: String?) -> JSONNode {
        self.operation(
            "statistics", "cache", "Statistics of Redis, or of the embedded store", scope: scope,
            [("200", Self.json("The statistics", Self.schema("Statistics")))])
    }

    // MARK: The service

    private func status(_ identifier: String, _ summary: String) -> JSONNode {
        self.operation(identifier, "service", summary, [("200", Self.json("It is so", Self.schema("State")))])
    }

    private func metrics(_ scope: String?) -> JSONNode {
        let text: JSONNode = ["schema": ["type": "string"]]
        return self.operation(
            "metrics", "service", "Metrics", scope: scope,
            [
                (
                    "200",
                    [
                        "description": "Prometheus's text format; OpenMetrics or a JSON summary if `Accept` asks for it",
                        "headers": .object(Self.commonHeaders),
                        "content": [
                            "text/plain": text, "application/openmetrics-text": text, "application/json": ["schema": Self.schema("MetricsSummary")],
                        ],
                    ]
                )
            ])
    }

    // MARK: Documentation

    private func page(
        _ identifier: String, _ summary: String, _ mediaType: String = "text/html", scope: String? = nil, parameters: [JSONNode] = []
    ) -> JSONNode {
        let schema: JSONNode = ["type": .string(mediaType == "text/html" ? "string" : "object")]
        let content = JSONNode.object([(mediaType, ["schema": schema])])
        return self.operation(
            identifier, "documentation", summary, scope: scope, parameters: parameters,
            [("200", ["description": "The document", "headers": .object(Self.commonHeaders), "content": content])])
    }
}

extension RouteOperation.KeyPlace {
    func identifier(_ operation: String) -> String {
        switch self {
        case .path: operation
        case .query: operation + "ByQuery"
        }
    }
}

extension RouteMethod {
    fileprivate var openAPIName: String { "\(self.name)".lowercased() }
}
