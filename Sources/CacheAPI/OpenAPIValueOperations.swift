import JSON

/// The operations of `/values`.
extension OpenAPIDocument {
    func value(_ operation: RouteOperation.OnValue, _ method: RouteMethod, _ scope: String?) -> JSONNode? {
        switch operation {
        case .get(let place): method == .head ? nil : self.getValue(place, scope)
        case .put(let place): self.putValue(place, scope)
        case .delete(let place): self.deleteValue(place, scope)
        }
    }

    static func condition(_ name: String, _ description: String) -> JSONNode {
        ["name": .string(name), "in": "header", "required": false, "description": .string(description), "schema": ["type": "string"]]
    }

    static let ifNoneMatch = condition("If-None-Match", "Entity tags that the client has the values of, or `*`: then the answer is 304.")
    static let ifMatch = condition(
        "If-Match", "Entity tags of which the value must have one, or `*` for any value: otherwise the answer is 412.")

    /// Headers of a value.
    static var valueHeaders: [(String, JSONNode)] {
        self.cacheHeaders + self.references(["ETag": "EntityTag", "X-Cache-Stale": "Stale", "Cache-Lease": "CacheLease"])
    }

    private static func references(_ names: KeyValuePairs<String, String>) -> [(String, JSONNode)] {
        names.map { ($0, ["$ref": .string("#/components/headers/\($1)")]) }
    }

    static var notModified: (String, JSONNode) {
        ("304", ["description": "The client has the value already", "headers": .object(self.valueHeaders)])
    }

    private static let anyBytes: JSONNode = ["*/*": ["schema": ["type": "string", "format": "binary"]]]

    private func getValue(_ place: RouteOperation.KeyPlace, _ scope: String?) -> JSONNode {
        self.operation(
            place.identifier("getBytes"), "values", "Get a value as it is", scope: scope,
            parameters: [self.key(in: place), Self.ifNoneMatch, Self.ifMatch],
            [
                (
                    "200",
                    [
                        "description": "The value, with the media type that it was stored with", "headers": .object(Self.valueHeaders),
                        // Without a schema: of JSON it would be that of the JSON.
                        "content": ["*/*": [:]],
                    ]
                ), Self.notModified, ("403", Self.response("Forbidden")), ("404", Self.response("KeyNotFound")),
                ("412", Self.response("PreconditionFailed")), ("415", Self.response("NotText")), ("422", Self.response("Invalid")),
            ])
    }

    private func putValue(_ place: RouteOperation.KeyPlace, _ scope: String?) -> JSONNode {
        let ttl: JSONNode = [
            "name": "ttl", "in": "query", "required": false,
            "description": "Seconds until the value expires; with 0 it does not. Without the parameter `max-age` of `Cache-Control` counts.",
            "schema": ["type": "integer", "minimum": 0, "maximum": .integer(Int(self.limits.maximumTTLSeconds))],
        ]
        let stored: (String) -> JSONNode = { ["description": .string($0), "headers": .object(Self.valueHeaders)] }
        return self.operation(
            place.identifier("putBytes"), "values", "Store a value as it is", scope: scope,
            parameters: [
                self.key(in: place), ttl,
                Self.condition("If-None-Match", "`*`: store the value only if there is none; otherwise the answer is 412."),
                Self.ifMatch, Self.leaseToken("Store the value only if this lease of the key stands; without `If-Match` and `If-None-Match`."),
            ],
            body: ["required": false, "content": Self.anyBytes],
            [
                ("201", stored("There was no value, and now there is")), ("204", stored("The value has taken the place of another")),
                ("403", Self.response("Forbidden")), Self.leaseOver, ("412", Self.response("PreconditionFailed")),
                ("413", Self.response("ContentTooLarge")),
                ("415", Self.response("NotText")), ("422", Self.response("Invalid")), ("503", Self.response("Unavailable")),
                ("507", Self.response("NoRoom")),
            ])
    }

    private func deleteValue(_ place: RouteOperation.KeyPlace, _ scope: String?) -> JSONNode {
        self.operation(
            place.identifier("deleteBytes"), "values", "Delete a value", scope: scope,
            parameters: [
                self.key(in: place), Self.ifMatch, Self.leaseToken("Give this lease of the key up, and delete nothing; without `If-Match`."),
            ],
            [
                ("204", ["description": "The value is deleted", "headers": .object(Self.cacheHeaders)]), ("403", Self.response("Forbidden")),
                ("404", Self.response("KeyNotFound")), Self.leaseOver, ("412", Self.response("PreconditionFailed")),
                ("415", Self.response("NotText")),
                ("422", Self.response("Invalid")), ("503", Self.response("Unavailable")),
            ])
    }
}
