import NIOCore

/// The description of the HTTP interface in OpenAPI 3.1, with the limits that are set: the one source for `/openapi.json`, `/docs` and `/redoc`.
///
/// A contract test asks the running service everything that it says (schemathesis), so what it leaves out or gets wrong is a failing test.
struct OpenAPIDocument {
    let settings: HTTPSettings
    /// Whether callers must show who they are.
    let hasAccessControl: Bool

    var limits: RequestLimits { self.settings.limits }
    var hasMetrics: Bool { self.settings.metrics }

    /// The document's bytes.
    var bytes: ByteBuffer {
        var buffer = ByteBuffer()
        self.root.write(into: &buffer)
        return buffer
    }

    private var root: JSONNode {
        [
            "openapi": "3.1.0",
            "info": self.information,
            "servers": [["url": "/", "description": "Where this document came from"]],
            "tags": [
                ["name": "cache", "description": "Values by key"],
                ["name": "service", "description": "How the service is, and what it has counted"],
                ["name": "documentation", "description": "This interface, for people and programs"],
            ],
            "paths": .object(self.cachePaths + self.servicePaths + self.documentationPaths),
            "components": [
                "schemas": self.schemas, "headers": Self.headers, "responses": Self.responses, "securitySchemes": Self.securitySchemes,
            ],
        ]
    }

    private var information: JSONNode {
        [
            "title": "Redis Caching Layer Agent",
            "version": .string(ServiceVersion.current),
            "summary": "An HTTP cache in front of Redis.",
            "description": .string(
                """
                Set, get and delete values by key, with a time to live; invalidate by pattern. While Redis is away, the embedded store of each instance answers: \
                such answers carry `X-Cache-Degraded: 1`.

                Keys are 1 to \(self.limits.maximumKeyBytes) bytes of UTF-8, values are JSON of up to \(self.limits.maximumValueBytes) bytes and come back byte for byte. \
                A key with a `/` may be written as it is or as `%2F`; a key that is also the name of a path (`stats`, `invalidate`) is reached by \
                `GET /cache?key=` and `DELETE /cache?key=`.
                """),
        ]
    }
}
