package import Cache
import JSON
package import NIOCore

/// What the body of `POST /cache` amounts to: `{"key":string,"value":any,"ttl":integer?,"stale":integer?,"tags":[string]?}`, with other
/// members ignored.
package enum SetRequest: Equatable, Sendable {
    case success(SetCommand)
    /// To be answered with status 422 and `writeFaults(_:into:)`: all faults of the body, in the order key, value, ttl, stale, tags.
    case faults([ValidationFault])
    /// To be answered with status 413. Takes precedence over the faults of the fields.
    case valueTooLarge(limit: Int)

    private static let names: InlineArray<5, JSONMemberName> = [
        JSONMemberName("key"), JSONMemberName("value"), JSONMemberName("ttl"), JSONMemberName("stale"), JSONMemberName("tags"),
    ]

    static let endless = ValidationFault.Kind.valueError("a value with tags, or one that may be stale, needs a time to live")

    /// Reads and judges a body.
    ///
    /// - Complexity: O(n); no allocation for a valid body without tags whose names and key are spelled without escapes.
    package static func parse(body: ByteBuffer, limits: RequestLimits) -> SetRequest {
        let document: JSONDocument<5>
        do throws(ValidationFault) {
            document = try FieldReader.scanObject(members: Self.names, in: body, maximumDepth: limits.maximumJSONDepth)
        } catch {
            return .faults([error])
        }
        if let value = document.members[1], value.range.count > limits.maximumValueBytes {
            return .valueTooLarge(limit: limits.maximumValueBytes)
        }
        var reader = FieldReader(body: body, root: document.root)
        let key = reader.requiredKey("key", document.members[0], maximumBytes: limits.maximumKeyBytes)
        let value = reader.requiredValue("value", document.members[1])
        let ttl = reader.optionalInteger("ttl", document.members[2], in: 0...limits.maximumTTLSeconds)
        let stale = reader.optionalInteger("stale", document.members[3], in: 0...limits.maximumTTLSeconds) ?? 0
        let tags = reader.optionalTexts(
            "tags", document.members[4], maximumCount: Envelope.maximumTags, maximumBytes: limits.maximumKeyBytes)
        if ttl ?? 0 == 0, stale > 0 || !tags.isEmpty, reader.faults.isEmpty { reader.add(Self.endless, "ttl", document.members[2]) }
        guard let key, let value, reader.faults.isEmpty else { return .faults(reader.faults) }
        return .success(SetCommand(key: key, value: value, ttl: ttl == 0 ? nil : ttl, stale: stale, tags: tags))
    }
}

/// A valid request to store a value. The buffers share the storage of the request body if they can.
package struct SetCommand: Equatable, Sendable {
    /// UTF-8, with the escapes of its JSON spelling resolved.
    package let key: ByteBuffer

    /// One JSON value, byte for byte as the request spells it, without surrounding whitespace.
    package let value: ByteBuffer

    /// Seconds until the value expires, at least 1. Nil if it does not expire.
    package let ttl: Int64?

    /// For how many seconds after that the value may still be answered.
    package let stale: Int64

    /// What the value can be invalidated by besides its key; at most `Envelope.maximumTags`.
    package let tags: [ByteBuffer]

    init(key: ByteBuffer, value: ByteBuffer, ttl: Int64?, stale: Int64 = 0, tags: [ByteBuffer] = []) {
        self.key = key
        self.value = value
        self.ttl = ttl
        self.stale = stale
        self.tags = tags
    }

    /// Whether it is stored as its text.
    package var isPlain: Bool { self.stale == 0 && self.tags.isEmpty }

    /// The value with what is said of it.
    package var newValue: NewValue { NewValue(self.value, ttlSeconds: self.ttl, staleSeconds: self.stale, tags: self.tags) }
}

/// What the body of `PATCH /cache/{key}` amounts to: `{"ttl":integer}`, with other members ignored.
package enum ExpireRequest: Equatable, Sendable {
    /// Seconds until the value expires, at least 1; nil if it is not to expire.
    case success(ttl: Int64?)
    /// To be answered with status 422 and `writeFaults(_:into:)`.
    case faults([ValidationFault])

    private static let names: InlineArray<1, JSONMemberName> = [JSONMemberName("ttl")]

    /// Reads and judges a body. O(n).
    package static func parse(body: ByteBuffer, limits: RequestLimits) -> ExpireRequest {
        let document: JSONDocument<1>
        do throws(ValidationFault) {
            document = try FieldReader.scanObject(members: Self.names, in: body, maximumDepth: limits.maximumJSONDepth)
        } catch {
            return .faults([error])
        }
        var reader = FieldReader(body: body, root: document.root)
        guard let ttl = reader.requiredInteger("ttl", document.members[0], in: 0...limits.maximumTTLSeconds) else { return .faults(reader.faults) }
        return .success(ttl: ttl == 0 ? nil : ttl)
    }
}

/// What a request body may ask for. Every limit is inclusive.
package struct RequestLimits: Equatable, Sendable {
    /// The longest key or pattern, in bytes of UTF-8. At least 1.
    package var maximumKeyBytes: Int

    /// The longest value, in bytes of its JSON text without surrounding whitespace. At least 1.
    package var maximumValueBytes: Int

    /// The longest time to live, in seconds. 1 to `Int64.max - 1`.
    package var maximumTTLSeconds: Int64

    /// How many JSON containers may be open at once in a body, the body itself included. 1 to 1024.
    package var maximumJSONDepth: Int

    /// How many operations a batch may have. 1 to 10,000.
    package var maximumBatchOperations = 1000

    /// - Precondition: every limit is within the range that its property states.
    package init(
        maximumKeyBytes: Int = 1024,
        maximumValueBytes: Int = 1 << 20,
        maximumTTLSeconds: Int64 = 315_360_000,
        maximumJSONDepth: Int = JSONScanner.defaultMaximumDepth
    ) {
        precondition(maximumKeyBytes >= 1 && maximumValueBytes >= 1, "a limit in bytes is at least 1")
        precondition(1..<Int64.max ~= maximumTTLSeconds, "the limit of the time to live is 1 to 2^63 - 2 seconds")
        precondition(1...JSONScanner.greatestMaximumDepth ~= maximumJSONDepth, "the limit of the depth is 1 to 1024")
        self.maximumKeyBytes = maximumKeyBytes
        self.maximumValueBytes = maximumValueBytes
        self.maximumTTLSeconds = maximumTTLSeconds
        self.maximumJSONDepth = maximumJSONDepth
    }
}
