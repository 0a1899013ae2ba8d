import Cache
import JSON

/// Leases in the description of the interface.
extension OpenAPIDocument {
    /// What a read says of leases.
    static var leaseParameters: [JSONNode] {
        [
            self.number(
                "lease", LeaseRequest.secondsRange,
                "Take a lease of so many seconds if there is no value, or only a stale one: of all who ask, one gets `Cache-Lease` with a token and computes the value"
            ),
            self.number(
                "wait", LeaseRequest.waitRange, "With `lease`: how many milliseconds to wait for the value that somebody else computes"),
            self.leaseToken("With `lease`: renew the lease of this token"),
        ]
    }

    private static func number(_ name: String, _ range: ClosedRange<Int64>, _ description: String) -> JSONNode {
        [
            "name": .string(name), "in": "query", "required": false, "description": .string(description),
            "schema": ["type": "integer", "minimum": .integer(Int(range.lowerBound)), "maximum": .integer(Int(range.upperBound))],
        ]
    }

    /// The field with which a lease is proved.
    static func leaseToken(_ description: String) -> JSONNode {
        [
            "name": "Cache-Lease", "in": "header", "required": false, "description": .string(description),
            "schema": ["type": "string", "pattern": "^[0-9a-f]{32}$"],
        ]
    }

    /// The answer to whoever names a lease that is over.
    static var leaseOver: (String, JSONNode) { ("409", self.response("LeaseOver")) }

    /// Fields of answers to reads.
    static var leaseHeaders: JSONNode {
        [
            "Stale": ["description": "Present if the time to live of the value is over.", "schema": ["type": "string", "const": "1"]],
            "CacheLease": [
                "description": "The token of the lease that the caller now has, or `held` if somebody else has it.",
                "schema": ["type": "string", "pattern": "^([0-9a-f]{32}|held)$"],
            ],
        ]
    }
}
