/// The operations.
extension OpenAPIDocument {
    /// Statuses that any request can have.
    private static let anywhere: [(String, JSONNode)] = [
        ("400", response("BadRequest")), ("405", response("MethodNotAllowed")), ("414", response("TargetTooLong")), ("429", response("TooOften")),
        ("431", response("HeadersTooLarge")), ("503", response("Overloaded")),
    ]

    /// - Parameter scope: the scope that a caller needs if there is access control; nil if the operation is public.
    private func operation(
        _ identifier: String, _ tag: String, _ summary: String, scope: String? = nil, parameters: [JSONNode] = [], body: JSONNode? = nil,
        _ responses: [(String, JSONNode)]
    ) -> JSONNode {
        var responses = responses
        var members: [(String, JSONNode)] = [("operationId", .string(identifier)), ("tags", [.string(tag)]), ("summary", .string(summary))]
        if !parameters.isEmpty { members.append(("parameters", .array(parameters))) }
        if let body { members.append(("requestBody", body)) }
        if let scope, self.hasAccessControl {
            members.append(("security", Self.security))
            members.append(("description", .string("Requires the scope `\(scope)`.")))
            responses.append(("401", Self.response("Unauthorized")))
            if !responses.contains(where: { $0.0 == "403" }) { responses.append(("403", Self.response("Forbidden"))) }
        }
        members.append(
            ("responses", .object((responses + Self.anywhere.filter { status in !responses.contains { $0.0 == status.0 } }).sorted { $0.0 < $1.0 })))
        return .object(members)
    }

    private static func body(_ schema: String) -> JSONNode {
        ["required": true, "content": ["application/json": ["schema": self.schema(schema)]]]
    }

    // MARK: The cache

    private func key(in place: String) -> JSONNode {
        ["name": "key", "in": .string(place), "required": true, "description": "The key", "schema": self.keySchema]
    }

    private func get(_ identifier: String, _ place: String) -> JSONNode {
        self.operation(
            identifier, "cache", "Get a value", scope: "read", parameters: [self.key(in: place)],
            [
                (
                    "200",
                    Self.json(
                        "The value", Self.schema("GetAnswer"), headers: Self.cacheHeaders,
                        example: ["success": true, "key": "agent:1", "value": ["name": "crawler"]])
                ), ("403", Self.response("Forbidden")), ("404", Self.response("KeyNotFound")), ("415", Self.response("NotText")),
                ("422", Self.response("Invalid")),
            ])
    }

    /// The head of what GET would answer.
    private func head(_ identifier: String, _ place: String) -> JSONNode {
        let statuses = ["200", "403", "404", "415", "422"] + (self.hasAccessControl ? ["401"] : [])
        let security: JSONNode = self.hasAccessControl ? ["security": Self.security] : [:]
        let operation: JSONNode = [
            "operationId": .string(identifier), "tags": ["cache"], "summary": "Check whether a key has a value",
            "parameters": [self.key(in: place)],
            "responses": .object(
                statuses.map { status -> (String, JSONNode) in
                    (status, ["description": "As for GET, without the body", "headers": .object(Self.commonHeaders)])
                } + Self.anywhere),
        ]
        return operation.merging(security)
    }

    private func delete(_ identifier: String, _ place: String) -> JSONNode {
        self.operation(
            identifier, "cache", "Delete a value", scope: "write", parameters: [self.key(in: place)],
            [
                (
                    "200",
                    Self.json(
                        "The value is deleted", Self.schema("DeleteAnswer"), headers: Self.cacheHeaders,
                        example: ["success": true, "key": "agent:1", "message": "Key deleted successfully"])
                ), ("403", Self.response("Forbidden")), ("404", Self.response("KeyNotFound")), ("422", Self.response("Invalid")),
            ])
    }

    private var set: JSONNode {
        let link = { (operation: String) -> JSONNode in
            ["operationId": .string(operation), "parameters": ["key": "$request.body#/key"]]
        }
        let stored = Self.json(
            "The value is stored", Self.schema("SetAnswer"), headers: Self.cacheHeaders,
            example: ["success": true, "key": "agent:1", "message": "Value cached successfully with TTL: 60"]
        ).merging(["links": ["get": link("getValue"), "getByQuery": link("getValueByQuery"), "delete": link("deleteValue")]])
        return self.operation(
            "setValue", "cache", "Store a value", scope: "write", body: Self.body("SetRequest"),
            [
                ("200", stored), ("403", Self.response("Forbidden")), ("413", Self.response("ContentTooLarge")), ("422", Self.response("Invalid")),
                ("507", Self.response("NoRoom")),
            ])
    }

    private var invalidate: JSONNode {
        self.operation(
            "invalidate", "cache", "Delete all keys that match a pattern, or count them", scope: "invalidate",
            body: Self.body("InvalidateRequest"),
            [
                (
                    "200",
                    Self.json(
                        "The keys are deleted, or counted", Self.schema("InvalidateAnswer"), headers: Self.cacheHeaders,
                        example: ["success": true, "pattern": "agent:*", "keys_deleted": 3, "message": "Invalidated 3 keys matching pattern"])
                ), ("413", Self.response("ContentTooLarge")), ("422", Self.response("Invalid")), ("503", Self.response("Unfinished")),
            ])
    }

    var cachePaths: [(String, JSONNode)] {
        [
            (
                "/cache",
                [
                    "post": self.set, "get": self.get("getValueByQuery", "query"), "head": self.head("headValueByQuery", "query"),
                    "delete": self.delete("deleteValueByQuery", "query"),
                ]
            ),
            (
                "/cache/{key}",
                ["get": self.get("getValue", "path"), "head": self.head("headValue", "path"), "delete": self.delete("deleteValue", "path")]
            ),
            // With any other method these two paths name the keys `invalidate` and `stats`. The document leaves that out: `?key=` reaches every key.
            ("/cache/invalidate", ["post": self.invalidate]),
            (
                "/cache/stats",
                [
                    "get": self.operation(
                        "statistics", "cache", "Statistics of Redis, or of the embedded store", scope: "admin",
                        [("200", Self.json("The statistics", Self.schema("Statistics")))])
                ]
            ),
        ]
    }

    // MARK: The service

    private func status(_ identifier: String, _ summary: String) -> JSONNode {
        ["get": self.operation(identifier, "service", summary, [("200", Self.json("It is so", Self.schema("State")))])]
    }

    var servicePaths: [(String, JSONNode)] {
        var paths: [(String, JSONNode)] = [
            (
                "/",
                ["get": self.operation("greeting", "service", "Name and version", [("200", Self.json("Name and version", Self.schema("Greeting")))])]
            ),
            (
                "/health",
                [
                    "get": self.operation(
                        "health", "service", "Health of the service and its Redis",
                        [("200", Self.json("Always 200, also if the service is degraded: it still serves", Self.schema("Health")))])
                ]
            ),
            ("/health/live", self.status("live", "Whether the process is alive")),
            ("/health/ready", self.status("ready", "Whether the service accepts requests")),
            ("/health/startup", self.status("startup", "Whether the service has started")),
        ]
        if self.hasMetrics { paths.append(("/metrics", ["get": self.metrics])) }
        return paths
    }

    private var metrics: JSONNode {
        let text: JSONNode = ["schema": ["type": "string"]]
        return self.operation(
            "metrics", "service", "Metrics", scope: self.settings.metricsAreOpen ? nil : "admin",
            [
                (
                    "200",
                    [
                        "description": "Prometheus's text format; OpenMetrics or a JSON summary where `Accept` asks for it",
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
        return [
            "get": self.operation(
                identifier, "documentation", summary, scope: scope, parameters: parameters,
                [("200", ["description": "The document", "headers": .object(Self.commonHeaders), "content": content])])
        ]
    }

    var documentationPaths: [(String, JSONNode)] {
        var paths = [
            ("/openapi.json", self.page("openapi", "This document", "application/json")), ("/docs", self.page("docs", "This document in Swagger UI")),
            ("/redoc", self.page("redoc", "This document in ReDoc")),
        ]
        if self.hasMetrics {
            paths.append(("/dashboard", self.page("dashboard", "Live dashboard")))
            let have: JSONNode = [
                "name": "have", "in": "query", "required": false, "schema": ["type": "string"],
                "description": "What the caller has of the history, as `INSTANCE:TIME_MS,...` of earlier answers: only what has come since is sent",
            ]
            paths.append(
                (
                    "/dashboard/figures",
                    self.page("dashboardFigures", "Figures of the dashboard", "application/json", scope: "admin", parameters: [have])
                ))
        }
        return paths
    }
}
