import Cache
import JSON

/// The shapes of bodies.
extension OpenAPIDocument {
    var schemas: JSONNode {
        .object(self.requestSchemas + self.batchSchemas + Self.cacheSchemas + Self.serviceSchemas + Self.inspectionSchemas + Self.errorSchemas)
    }

    /// An object in an answer, which has these members and no others: with an extra one the test of the interface fails. Those that are not optional
    /// are always there.
    static func object(_ members: [(String, JSONNode)], optional: Set<String> = []) -> JSONNode {
        [
            "type": "object", "properties": .object(members),
            "required": .array(members.map(\.0).filter { !optional.contains($0) }.map { .string($0) }), "additionalProperties": false,
        ]
    }

    static let text: JSONNode = ["type": "string"]
    private static let count: JSONNode = ["type": "integer", "minimum": 0]
    static let yes: JSONNode = ["type": "boolean", "const": true]

    private static func no(_ description: String) -> JSONNode {
        ["type": "boolean", "const": false, "description": .string(description)]
    }

    private static let time: JSONNode = [
        "type": "string", "pattern": #"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$"#, "description": "UTC, to the microsecond, without a zone.",
    ]

    /// The limit is in bytes; a key has at most as many characters.
    var keySchema: JSONNode {
        ["type": "string", "minLength": 1, "maxLength": .integer(self.limits.maximumKeyBytes), "examples": ["agent:1"]]
    }

    private var requestSchemas: [(String, JSONNode)] {
        [
            (
                "SetRequest",
                [
                    "anyOf": [
                        self.setRequest(ttl: self.timeToLive, stale: Self.noStaleTime, tags: Self.noTags),
                        self.setRequest(ttl: self.neededTimeToLive, stale: self.staleTime, tags: self.tagList, requiresTTL: true),
                    ],
                    "examples": [
                        ["key": "agent:1", "value": ["name": "crawler"], "ttl": 60],
                        ["key": "agent:1", "value": ["name": "crawler"], "ttl": 60, "stale": 30, "tags": ["agent"]],
                    ],
                ]
            ),
            (
                "ExpireRequest",
                [
                    "type": "object", "required": ["ttl"],
                    "properties": ["ttl": self.newTimeToLive],
                    "examples": [["ttl": 60]],
                ]
            ),
            (
                "InvalidateRequest",
                [
                    "oneOf": [
                        [
                            "type": "object", "required": ["pattern"],
                            "properties": [
                                "pattern": [
                                    "type": "string", "minLength": 1, "maxLength": .integer(self.limits.maximumKeyBytes),
                                    "description": #"Redis's glob dialect: `*`, `?`, `[a-z]`, `[^x]`, `\`."#,
                                ],
                                "dry_run": Self.lenientBoolean, "tag": ["type": "null"],
                            ],
                        ],
                        [
                            "type": "object", "required": ["tag"],
                            "properties": [
                                "tag": [
                                    "type": "string", "minLength": 1, "maxLength": .integer(self.limits.maximumKeyBytes),
                                    "description": "Every value with this tag is a miss from now on.",
                                ],
                                "pattern": ["type": "null"], "dry_run": Self.lenientFalse,
                            ],
                        ],
                    ],
                    "examples": [["pattern": "agent:*"], ["pattern": "agent:*", "dry_run": true], ["tag": "agent"]],
                ]
            ),
        ]
    }

    private func setRequest(ttl: JSONNode, stale: JSONNode, tags: JSONNode, requiresTTL: Bool = false) -> JSONNode {
        [
            "type": "object", "required": requiresTTL ? ["key", "value", "ttl"] : ["key", "value"],
            "properties": [
                "key": self.keySchema, "value": ["description": "Any JSON, including `null`."], "ttl": ttl, "stale": stale, "tags": tags,
            ],
        ]
    }

    /// Whole numbers, and what the service that this one replaces accepted in their place.
    var timeToLive: JSONNode {
        [
            "description": "Seconds until the value expires. Without it, with `null` or with 0, the value does not expire.",
            "anyOf": .array(self.wholeSeconds + [["type": "null"]]),
        ]
    }

    /// That of a value that may be stale or has tags.
    var neededTimeToLive: JSONNode {
        [
            "anyOf": [
                ["type": "integer", "minimum": 1, "maximum": .integer(Int(self.limits.maximumTTLSeconds))], ["const": true],
                ["type": "string", "pattern": #"^\+?[1-9][0-9]{0,7}(\.0*)?$"#],
            ]
        ]
    }

    static var noStaleTime: JSONNode { ["enum": [0, false, "0", .null]] }
    static var noTags: JSONNode { ["enum": [[], .null]] }

    var staleTime: JSONNode {
        [
            "anyOf": .array(self.wholeSeconds + [["type": "null"]]),
            "description": "For how many seconds after `ttl`, which it needs, the value may still be answered, marked as stale.",
        ]
    }

    var tagList: JSONNode {
        [
            "type": ["array", "null"], "maxItems": .integer(Envelope.maximumTags), "items": self.keySchema,
            "description": "What the value can be invalidated by besides its key. It needs `ttl`.",
        ]
    }

    var newTimeToLive: JSONNode {
        ["description": "Seconds until the value expires, from now on. With 0 it does not expire.", "anyOf": .array(self.wholeSeconds)]
    }

    private var wholeSeconds: [JSONNode] {
        [
            ["type": "integer", "minimum": 0, "maximum": .integer(Int(self.limits.maximumTTLSeconds))], ["type": "boolean"],
            ["type": "string", "pattern": #"^\+?[0-9]{1,8}(\.0*)?$"#],
        ]
    }

    private static let lenientFalse: JSONNode = [
        "anyOf": [
            ["type": "boolean", "const": false], ["type": "integer", "const": 0],
            ["type": "string", "pattern": "^(0|[oO][fF][fF]|[fF]([aA][lL][sS][eE])?|[nN][oO]?)$"],
        ]
    ]

    static let lenientBoolean: JSONNode = [
        "description": "Count the keys and delete none.", "default": false,
        "anyOf": [
            ["type": "boolean"], ["type": "integer", "enum": [0, 1]],
            ["type": "string", "pattern": "^([01]|[oO][nN]|[oO][fF][fF]|[tT]([rR][uU][eE])?|[fF]([aA][lL][sS][eE])?|[yY]([eE][sS])?|[nN][oO]?)$"],
        ],
    ]

    private static var tagAnswer: JSONNode {
        self.object(
            [
                ("success", self.yes), ("tag", self.text),
                ("complete", self.no("Only while Redis is unavailable: other instances hear of it when Redis is back.")), ("message", self.text),
            ], optional: ["complete"])
    }

    private static var cacheSchemas: [(String, JSONNode)] {
        [
            ("TagAnswer", self.tagAnswer),
            ("SetAnswer", self.object([("success", self.yes), ("key", self.text), ("message", self.text)])),
            (
                "GetAnswer",
                self.object([("success", self.yes), ("key", self.text), ("value", ["description": "The value, byte for byte as it was set."])])
            ),
            (
                "DeleteAnswer",
                self.object([("success", self.yes), ("key", self.text), ("message", ["enum": ["Key deleted successfully", "Lease given up"]])])
            ),
            ("ExpireAnswer", self.object([("success", self.yes), ("key", self.text), ("message", self.text)])),
            (
                "InvalidateAnswer",
                self.object(
                    [
                        ("success", self.yes), ("pattern", self.text),
                        (
                            "keys_deleted",
                            ["type": "integer", "minimum": 0, "description": "With `complete: false`, of the memory that stands in for Redis."]
                        ),
                        ("dry_run", self.yes),
                        (
                            "keys_matched",
                            ["type": ["integer", "null"], "minimum": 0, "description": "Of a dry run; null while Redis is unavailable."]
                        ),
                        (
                            "complete",
                            self.no(
                                "Only while Redis is unavailable: the invalidation is queued until it is back, or, of a dry run, the number is unknown."
                            )
                        ),
                        ("message", self.text),
                    ], optional: ["dry_run", "keys_matched", "complete"])
            ),
            (
                "Statistics",
                self.object(
                    [
                        ("total_keys", self.count), ("memory_usage", ["type": "string", "description": "As Redis writes it: `5.30M`."]),
                        ("connected_clients", self.count), ("uptime_seconds", self.count), ("total_commands_processed", self.count),
                        ("keyspace_hits", self.count), ("keyspace_misses", self.count),
                        ("hit_rate", ["type": "number", "minimum": 0, "maximum": 100, "description": "Percent, two decimals."]),
                        (
                            "complete",
                            self.no(
                                "Only while Redis, or a shard of a cluster, is unavailable: the figures are the embedded store's, or the other shards'."
                            )
                        ),
                        ("message", self.text),
                    ], optional: ["complete", "message"])
            ),
        ]
    }

    private static var serviceSchemas: [(String, JSONNode)] {
        [
            ("Greeting", self.object([("message", self.text), ("version", self.text), ("status", ["const": "operational"]), ("docs", self.text)])),
            ("State", self.object([("status", ["enum": ["alive", "ready", "started"]])])),
            (
                "Health",
                self.object(
                    [
                        ("status", ["enum": ["healthy", "degraded"]]), ("timestamp", self.time), ("redis_connected", ["type": "boolean"]),
                        ("version", self.text), ("uptime_seconds", self.count),
                        (
                            "warnings",
                            [
                                "type": "array", "minItems": 1, "items": self.text,
                                "description": "What an operator should know. Absent if there is nothing to warn of.",
                            ]
                        ),
                        ("redis", self.schema("RedisHealth")),
                        ("near_cache", self.schema("NearCacheHealth")),
                        (
                            "registration",
                            self.object(
                                [("state", ["enum": ["pending", "elsewhere", "registered", "refused"]]), ("agent_id", self.text)],
                                optional: ["agent_id"])
                        ),
                    ], optional: ["warnings", "redis", "near_cache", "registration"])
            ),
            ("RedisHealth", self.redisHealth),
            ("ClusterHealth", self.clusterHealth),
            (
                "NearCacheHealth",
                self.object([
                    (
                        "coherence",
                        [
                            "enum": .array(Coherence.allCases.map { .string($0.rawValue) }),
                            "description": "What keeps copies of reads true: Redis, nothing for a short time, or none is answered as current.",
                        ]
                    ),
                    ("reason", ["type": ["string", "null"], "description": "Why it is `off`; null otherwise."]),
                    ("entries", self.count), ("bytes", self.count),
                ])
            ),
            (
                "MetricsSummary",
                self.object([
                    ("cache_operations", self.byOperation(self.count)),
                    ("response_times", self.byOperation(["type": "number", "minimum": 0, "description": "Milliseconds, the mean."])),
                    ("error_count", self.count), ("uptime_seconds", self.count),
                ])
            ),
        ]
    }

    private static func byOperation(_ schema: JSONNode) -> JSONNode {
        self.object(["set", "get", "delete", "invalidate", "stats"].map { ($0, schema) })
    }

    private static var redisHealth: JSONNode {
        let journal = self.object([
            ("keys", self.count), ("patterns", self.count), ("bytes", self.count), ("age_seconds", ["type": "number", "minimum": 0]),
            ("delete_everything", ["type": "boolean"]),
        ])
        let replay = self.object([
            ("ended", self.time), ("duration_ms", self.count), ("keys", self.count), ("patterns", self.count), ("refused", self.count),
            ("deleted_everything", ["type": "boolean"]),
        ])
        return self.object(
            [
                self.state, ("since", self.time),
                ("reason", ["type": ["string", "null"], "description": "One word; null while Redis is connected."]),
                ("detail", ["type": ["string", "null"]]),
                ("journal", journal), ("last_replay", ["anyOf": [replay, ["type": "null"]]]),
                ("refused_commands", ["type": "array", "items": self.text]), ("cluster", self.schema("ClusterHealth")),
            ], optional: ["cluster"])
    }

    private static let state: (String, JSONNode) = (
        "state", ["enum": .array(OutageReport.State.allCases.map { .string($0.rawValue) })]
    )

    private static var clusterHealth: JSONNode {
        let shard = self.object([
            ("index", ["type": "integer", "minimum": 0, "description": "Of this instance's own counting."]), self.state,
            (
                "reason",
                ["type": ["string", "null"], "description": "One word, `slots_uncovered` if no node serves the slots; null while connected."]
            ),
            ("since", self.time), ("slots", self.count),
        ])
        return self.object([
            ("shards", ["type": "array", "items": shard]),
            (
                "slots_served",
                ["type": "number", "minimum": 0, "maximum": 1, "description": "The share of slots whose keys Redis is asked for, rounded down."]
            ),
            ("nodes", ["type": "integer", "minimum": 0, "description": "Masters that serve slots."]),
        ])
    }

    private static var errorSchemas: [(String, JSONNode)] {
        let fault = self.object(
            [
                ("type", self.text), ("loc", ["type": "array", "items": ["type": ["string", "integer"]]]), ("msg", self.text), ("input", .object([])),
                ("ctx", ["type": "object"]),
            ], optional: ["ctx"])
        return [
            ("Error", self.object([("detail", self.text)])),
            ("ValidationError", self.object([("detail", ["type": "array", "minItems": 1, "items": fault])])),
        ]
    }
}
