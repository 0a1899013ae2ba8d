package import NIOCore

/// What the body of `POST /cache/invalidate` amounts to: `{"pattern":string,"dry_run":boolean?}`, with other members ignored.
package enum InvalidateRequest: Equatable, Sendable {
    case success(InvalidateCommand)
    /// To be answered with status 422 and `writeFaults(_:into:)`: all faults of the body, in the order pattern, dry_run.
    case faults([ValidationFault])

    private static let names: InlineArray<2, JSONMemberName> = [JSONMemberName("pattern"), JSONMemberName("dry_run")]

    /// Reads and judges a body. The pattern may be as long as a key.
    ///
    /// - Complexity: O(n); no allocation for a valid body without escapes.
    package static func parse(body: ByteBuffer, limits: RequestLimits) -> InvalidateRequest {
        let document: JSONDocument<2>
        do throws(ValidationFault) {
            document = try FieldReader.scanObject(members: Self.names, in: body, maximumDepth: limits.maximumJSONDepth)
        } catch {
            return .faults([error])
        }
        var reader = FieldReader(body: body, root: document.root)
        let pattern = reader.requiredText("pattern", document.members[0], maximumBytes: limits.maximumKeyBytes)
        let dryRun = reader.boolean("dry_run", document.members[1], default: false)
        guard let pattern, let dryRun, reader.faults.isEmpty else { return .faults(reader.faults) }
        return .success(InvalidateCommand(pattern: pattern, dryRun: dryRun))
    }
}
