import JSON

/// What the dashboard asks about one key.
extension OpenAPIDocument {
    func inspection(_ scope: String?) -> JSONNode {
        self.operation(
            "dashboardKey", "documentation", "What is known of a key besides its value", scope: scope, parameters: [self.key(in: .query)],
            [
                ("200", Self.json("Always 200 if the key can be read, also if it has no value", Self.schema("KeyInspection"))),
                ("403", Self.response("Forbidden")), ("415", Self.response("NotText")), ("422", Self.response("Invalid")),
            ])
    }

    static var inspectionSchemas: [(String, JSONNode)] {
        let lease = self.object([
            ("milliseconds", ["type": ["integer", "null"], "description": "What remains of the lease; null if that is not known."])
        ])
        return [
            (
                "KeyInspection",
                self.object(
                    [
                        ("found", ["type": "boolean", "description": "Whether a reader gets a value."]),
                        ("source", ["enum": ["memory", "redis", "outage"], "description": "The store that answered."]),
                        ("outdated", ["type": "boolean", "description": "A value is stored, but one of its tags has been invalidated."]),
                        ("tags", ["type": "array", "items": self.text]),
                        ("lease", ["anyOf": [lease, ["type": "null"]], "description": "null if nobody has the lease."]),
                        ("bytes", ["type": "integer", "minimum": 0]), ("media_type", self.text),
                        ("content_encoding", ["type": ["string", "null"]]), ("etag", self.text),
                        (
                            "ttl_ms",
                            [
                                "type": ["integer", "null"],
                                "description": "How long the value is fresh; below 0 it is stale. null if it does not expire.",
                            ]
                        ),
                    ], optional: ["bytes", "media_type", "content_encoding", "etag", "ttl_ms"])
            )
        ]
    }
}
