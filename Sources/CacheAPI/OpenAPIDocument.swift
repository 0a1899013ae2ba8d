import JSON
package import NIOCore

/// The description of the HTTP interface in OpenAPI 3.1, with the limits that are set: the one source for `/openapi.json`, `/docs` and `/redoc`.
///
/// A test sends the running service every request that the document describes and compares the answers with it (schemathesis). Bodies of answers
/// allow no members that the document does not name.
package struct OpenAPIDocument {
    let table: RouteTable
    let limits: RequestLimits
    /// Whether callers must authenticate.
    let hasAccessControl: Bool

    package init(table: RouteTable, limits: RequestLimits, hasAccessControl: Bool) {
        self.table = table
        self.limits = limits
        self.hasAccessControl = hasAccessControl
    }

    /// The document's bytes.
    package var bytes: ByteBuffer {
        var buffer = ByteBuffer()
        self.root.write(into: &buffer)
        return buffer
    }

    private var root: JSONNode {
        [
            "openapi": "3.1.0",
            "info": self.information,
            "servers": [["url": "/", "description": "The service that served this document"]],
            "tags": [
                ["name": "cache", "description": "Values by key"],
                ["name": "service", "description": "Health and metrics"],
                ["name": "documentation", "description": "This interface, for people and programs"],
            ],
            "paths": .object(self.paths),
            "components": [
                "schemas": self.schemas, "headers": Self.headers.merging(Self.leaseHeaders), "responses": Self.responses,
                "securitySchemes": Self.securitySchemes,
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
                Set, get and delete values by key, with a time to live; invalidate by pattern. If Redis becomes unavailable, the embedded store of each instance answers, \
                and such answers carry `X-Cache-Degraded: 1`.

                Keys are 1 to \(self.limits.maximumKeyBytes) bytes of UTF-8, values are JSON of up to \(self.limits.maximumValueBytes) bytes and come back byte for byte. \
                Clients should use `GET /cache?key=` and `DELETE /cache?key=`: they reach every key. In a path, proxies and HTTP libraries remove the segments `.` and `..`, and \
                `batch`, `stats` and `invalidate` name routes.
                """),
        ]
    }
}
