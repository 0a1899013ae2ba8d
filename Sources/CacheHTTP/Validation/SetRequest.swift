package import NIOCore

/// What the body of `POST /cache` amounts to: `{"key":string,"value":any,"ttl":integer?}`, with other members ignored.
package enum SetRequest: Equatable, Sendable {
    case success(SetCommand)
    /// To be answered with status 422 and `writeFaults(_:into:)`: all faults of the body, in the order key, value, ttl.
    case faults([ValidationFault])
    /// To be answered with status 413. Takes precedence over the faults of the fields.
    case valueTooLarge(limit: Int)

    private static let names: InlineArray<3, JSONMemberName> = [JSONMemberName("key"), JSONMemberName("value"), JSONMemberName("ttl")]

    /// Reads and judges a body.
    ///
    /// - Complexity: O(n); no allocation for a valid body whose names and key are spelled without escapes.
    package static func parse(body: ByteBuffer, limits: RequestLimits) -> SetRequest {
        let document: JSONDocument<3>
        do throws(ValidationFault) {
            document = try FieldReader.scanObject(members: Self.names, in: body, maximumDepth: limits.maximumJSONDepth)
        } catch {
            return .faults([error])
        }
        if let value = document.members[1], value.range.count > limits.maximumValueBytes {
            return .valueTooLarge(limit: limits.maximumValueBytes)
        }
        var reader = FieldReader(body: body, root: document.root)
        let key = reader.requiredText("key", document.members[0], maximumBytes: limits.maximumKeyBytes)
        let value = reader.requiredValue("value", document.members[1])
        let ttl = reader.optionalInteger("ttl", document.members[2], in: 0...limits.maximumTTLSeconds)
        guard let key, let value, reader.faults.isEmpty else { return .faults(reader.faults) }
        return .success(SetCommand(key: key, value: value, ttl: ttl == 0 ? nil : ttl))
    }
}
