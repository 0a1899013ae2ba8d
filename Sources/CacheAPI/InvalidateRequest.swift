import JSON
package import NIOCore

/// What the body of `POST /cache/invalidate` amounts to: `{"pattern":string,"dry_run":boolean?}` or `{"tag":string}`, with other members ignored.
package enum InvalidateRequest: Equatable, Sendable {
    case pattern(InvalidateCommand)
    /// UTF-8, as long as a key.
    case tag(ByteBuffer)
    /// To be answered with status 422 and `writeFaults(_:into:)`: all faults of the body, in the order pattern, dry_run, tag.
    case faults([ValidationFault])

    private static let names: InlineArray<3, JSONMemberName> = [JSONMemberName("pattern"), JSONMemberName("dry_run"), JSONMemberName("tag")]
    private static let both = ValidationFault.Kind.valueError("either a pattern or a tag is invalidated")
    private static let dryTag = ValidationFault.Kind.valueError("nobody knows how many values bear a tag")

    /// Reads and judges a body. The pattern may be as long as a key.
    ///
    /// - Complexity: O(n); no allocation for a valid body without escapes.
    package static func parse(body: ByteBuffer, limits: RequestLimits) -> InvalidateRequest {
        let document: JSONDocument<3>
        do throws(ValidationFault) {
            document = try FieldReader.scanObject(members: Self.names, in: body, maximumDepth: limits.maximumJSONDepth)
        } catch {
            return .faults([error])
        }
        var reader = FieldReader(body: body, root: document.root)
        guard let tag = document.members[2], tag.kind != .null else {
            let pattern = reader.requiredText("pattern", document.members[0], maximumBytes: limits.maximumKeyBytes)
            let dryRun = reader.boolean("dry_run", document.members[1], default: false)
            guard let pattern, let dryRun, reader.faults.isEmpty else { return .faults(reader.faults) }
            return .pattern(InvalidateCommand(pattern: pattern, dryRun: dryRun))
        }
        if let pattern = document.members[0], pattern.kind != .null { reader.add(Self.both, "pattern", pattern) }
        if reader.boolean("dry_run", document.members[1], default: false) == true { reader.add(Self.dryTag, "dry_run", document.members[1]) }
        let name = reader.requiredText("tag", tag, maximumBytes: limits.maximumKeyBytes)
        guard let name, reader.faults.isEmpty else { return .faults(reader.faults) }
        return .tag(name)
    }
}

/// A valid request to delete the keys that match a pattern.
package struct InvalidateCommand: Equatable, Sendable {
    /// A glob, UTF-8, with the escapes of its JSON spelling resolved; at least one byte. Shares the storage of the request body if it can.
    package let pattern: ByteBuffer

    /// Whether the keys are only to be counted.
    package let dryRun: Bool
}
