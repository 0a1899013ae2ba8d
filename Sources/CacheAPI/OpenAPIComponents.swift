import JSON

/// Headers, responses and security schemes that several operations share.
extension OpenAPIDocument {
    /// Headers of every answer.
    static var commonHeaders: [(String, JSONNode)] {
        [("X-Request-Id", self.header("RequestId")), ("X-Process-Time", self.header("ProcessTime"))]
    }

    /// Headers of answers from a store.
    static var cacheHeaders: [(String, JSONNode)] {
        self.commonHeaders + [("Cache-Status", self.header("CacheStatus")), ("X-Cache-Degraded", self.header("Degraded"))]
    }

    private static func header(_ name: String) -> JSONNode { ["$ref": .string("#/components/headers/\(name)")] }

    static func schema(_ name: String) -> JSONNode { ["$ref": .string("#/components/schemas/\(name)")] }

    static func response(_ name: String) -> JSONNode { ["$ref": .string("#/components/responses/\(name)")] }

    /// An answer with a JSON body.
    static func json(_ description: String, _ schema: JSONNode, headers: [(String, JSONNode)] = commonHeaders, example: JSONNode? = nil)
        -> JSONNode
    {
        var content: [(String, JSONNode)] = [("schema", schema)]
        if let example { content.append(("example", example)) }
        return [
            "description": .string(description), "headers": .object(headers), "content": ["application/json": .object(content)],
        ]
    }

    /// Either of the two is enough.
    static var security: JSONNode { [["apiKey": []], ["bearer": []]] }

    static var securitySchemes: JSONNode {
        [
            "apiKey": ["type": "apiKey", "in": "header", "name": "X-API-Key", "description": "An API key from the operator's file."],
            "bearer": [
                "type": "http", "scheme": "bearer",
                "description": "The same key as `Authorization: Bearer`, or a Google ID token if the operator accepts them.",
            ],
        ]
    }

    static var headers: JSONNode {
        [
            "RequestId": [
                "description":
                    "The request's own `X-Request-Id` if it is usable, else the id of its trace (`traceparent`, `X-Cloud-Trace-Context`), else a new one.",
                "required": true, "schema": ["type": "string", "minLength": 1, "maxLength": 128],
            ],
            "ProcessTime": [
                "description": "Seconds from the request to its answer.", "required": true,
                "schema": ["type": "string", "pattern": #"^[0-9]+\.[0-9]+$"#],
            ],
            "CacheStatus": [
                "description":
                    "What the cache did (RFC 9211): `hit` with the remaining time to live, or `fwd=miss`; `detail` names the store that answered (`near`: a copy of what Redis answered).",
                "schema": ["type": "string", "pattern": "^redis-caching-agent; "],
                "example": "redis-caching-agent; hit; ttl=57; detail=redis",
            ],
            "EntityTag": [
                "description": "The entity tag of the value (RFC 9110, section 8.8.3): the same on every instance.",
                "schema": ["type": "string", "pattern": "^\"[0-9a-f]{32}\"$"],
            ],
            "Degraded": [
                "description": "Present if memory answered because Redis was unavailable.", "schema": ["type": "string", "const": "1"],
            ],
            "RetryAfter": [
                "description": "Seconds until a retry is worthwhile.", "required": true, "schema": ["type": "string", "pattern": "^[0-9]+$"],
            ],
            "Challenge": [
                "description": "How to authenticate (RFC 9110, section 11.6.1).", "required": true,
                "schema": ["type": "string", "pattern": "^Bearer "],
            ],
            "Allow": ["description": "The methods that the path has.", "required": true, "schema": ["type": "string"]],
        ]
    }

    static var responses: JSONNode {
        [
            "BadRequest": self.error(
                "The request is not HTTP, its body breaks off, or the path has an incomplete percent escape", "Invalid HTTP request received"),
            "Unauthorized": self.error(
                "Missing or unknown credentials", "Not authenticated",
                headers: self.commonHeaders + [("WWW-Authenticate", self.header("Challenge"))]),
            "Forbidden": self.error(
                "The credentials do not allow this, or Redis does not let the service use this key", "The cache may not use this key",
                headers: self.cacheHeaders),
            "LeaseOver": self.error("The lease no longer stands", "The lease no longer stands", headers: self.cacheHeaders),
            "KeyNotFound": self.error("The key has no value", "Key not found", headers: self.cacheHeaders),
            "PreconditionFailed": self.error(
                "The value is not as `If-Match` or `If-None-Match` wants it: nothing is changed", "The value is not as the request expects it",
                headers: self.cacheHeaders),
            "MethodNotAllowed": self.error(
                "The path does not have the method", "Method Not Allowed",
                headers: self.commonHeaders + [("Allow", self.header("Allow"))]),
            "ContentTooLarge": self.error("The value or the body is too large", "Value too large"),
            "NotText": self.error(
                "Redis holds something other than text at this key: another type, or bytes that are not UTF-8", "The key does not hold a text value",
                headers: self.cacheHeaders),
            "Invalid": self.json(
                "All faults of the request, in the order of the fields", self.schema("ValidationError"),
                example: ["detail": [["type": "missing", "loc": ["body", "key"], "msg": "Field required", "input": ["value": 1]]]]),
            "TargetTooLong": self.error("Path and query are too long", "The target of the request is too long"),
            "TooOften": self.error(
                "More requests than the credentials allow", "Too many requests with these credentials; try again",
                headers: self.commonHeaders + [("Retry-After", self.header("RetryAfter"))]),
            "Overloaded": self.error(
                "Too many requests, invalidations or connections at once", "Too many requests at once; try again",
                headers: self.commonHeaders + [("Retry-After", self.header("RetryAfter"))]
            ),
            "HeadersTooLarge": self.error("The header block is too large", "Request header fields too large"),
            "Unavailable": self.error(
                "Redis is needed and did not answer in time, so that the change may have been made or not; or too many requests at once",
                "Redis is needed for this request and did not answer; try again",
                headers: self.cacheHeaders + [("Retry-After", self.header("RetryAfter"))]),
            "Unfinished": self.error(
                "Redis answered the invalidation with an error. Some keys may be deleted; it is safe to try again",
                "The invalidation could not be completed; try again"),
            "NoRoom": self.error(
                "Redis, or the embedded store in its place, has no room for the value", "The cache is out of memory", headers: self.cacheHeaders),
        ]
    }

    private static func error(_ description: String, _ detail: String, headers: [(String, JSONNode)] = commonHeaders) -> JSONNode {
        self.json(description, self.schema("Error"), headers: headers, example: ["detail": .string(detail)])
    }
}
