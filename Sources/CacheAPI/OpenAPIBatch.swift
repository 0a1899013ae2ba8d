import JSON

/// The batch: its operation, and the shapes of its bodies.
extension OpenAPIDocument {
    var batch: JSONNode {
        self.operation(
            "batch", "cache", "Get, store and delete many values", scope: "read` or `write",
            description:
                "Carried out in order, but not as a transaction. A fault of one operation refuses all of them, and so does one key that the caller"
                + " may not use.",
            body: Self.body("BatchRequest"),
            [
                (
                    "200",
                    Self.json(
                        "What became of each operation, in their order: its status, and what the single call would answer. A value that the answer has no"
                            + " room for has the status 413.",
                        Self.schema("BatchAnswer"), headers: Self.cacheHeaders,
                        example: [
                            "results": [
                                ["status": 200, "success": true, "key": "agent:1", "value": ["name": "crawler"]],
                                ["status": 404, "key": "agent:2", "detail": "Key not found"],
                                ["status": 200, "success": true, "key": "agent:3", "message": "Value cached successfully with TTL: 60"],
                            ]
                        ])
                ), ("403", Self.response("Forbidden")), ("413", Self.response("ContentTooLarge")), ("422", Self.response("Invalid")),
            ])
    }

    var batchSchemas: [(String, JSONNode)] {
        [
            (
                "BatchRequest",
                [
                    "type": "object", "required": ["operations"],
                    "properties": [
                        "operations": [
                            "type": "array", "maxItems": .integer(self.limits.maximumBatchOperations),
                            "items": [
                                "anyOf": [
                                    self.batchOperation("get", [("etag", Self.lenientBoolean)]), self.batchOperation("delete"),
                                    self.batchSet(ttl: self.timeToLive, stale: Self.noStaleTime, tags: Self.noTags),
                                    self.batchSet(ttl: self.neededTimeToLive, stale: self.staleTime, tags: self.tagList, requiresTTL: true),
                                    self.batchOperation("touch", [("ttl", self.newTimeToLive)], required: ["ttl"]),
                                ]
                            ],
                        ]
                    ],
                    "examples": [
                        [
                            "operations": [
                                ["op": "get", "key": "agent:1"], ["op": "get", "key": "agent:2"],
                                ["op": "set", "key": "agent:3", "value": ["name": "parser"], "ttl": 60],
                            ]
                        ]
                    ],
                ]
            ),
            (
                "BatchAnswer",
                Self.object([
                    (
                        "results",
                        [
                            "type": "array",
                            "items": Self.object(
                                [
                                    ("status", ["type": "integer", "enum": [200, 403, 404, 413, 415, 422, 503, 507]]), ("success", Self.yes),
                                    ("key", Self.text),
                                    ("value", ["description": "The value, byte for byte as it was set."]),
                                    ("etag", ["type": "string", "description": "Of a get with `etag`: the entity tag of the value."]),
                                    ("message", Self.text),
                                    ("detail", ["type": "string", "description": "Why there is no success."]),
                                ], optional: ["success", "value", "etag", "message", "detail"]),
                        ]
                    )
                ])
            ),
        ]
    }

    private func batchSet(ttl: JSONNode, stale: JSONNode, tags: JSONNode, requiresTTL: Bool = false) -> JSONNode {
        self.batchOperation(
            "set", [("value", ["description": "Any JSON, including `null`."]), ("ttl", ttl), ("stale", stale), ("tags", tags)],
            required: requiresTTL ? ["value", "ttl"] : ["value"])
    }

    private func batchOperation(_ name: String, _ members: [(String, JSONNode)] = [], required: [JSONNode] = []) -> JSONNode {
        [
            "type": "object", "required": .array(["op", "key"] + required),
            "properties": .object([("op", ["const": .string(name)]), ("key", self.keySchema)] + members),
        ]
    }
}
