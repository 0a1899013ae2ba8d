package import Cache
import JSON
import NIOCore

/// The answer to `/dashboard/key`.
extension Answer {
    /// Always 200 if the key can be read, whether or not it has a value: the page asks for many that have none.
    package static func inspection(_ key: KeyInspection) -> Answer {
        var members: [(String, JSONNode)] = [
            ("found", false), ("source", .string(key.answer.source.name)), ("outdated", .boolean(key.isOutdated)),
            ("tags", .array(key.tags.map { .string(String(buffer: $0)) })),
            ("lease", key.lease.map { ["milliseconds": $0.milliseconds.map { .integer(Int($0)) } ?? nil] } ?? nil),
        ]
        switch key.answer {
        case .hit(let value, let remaining, let source):
            guard let representation = Representation(value) else { return .refusal(.notReadable, source) }
            members[0].1 = true
            members += [
                ("bytes", .integer(value.count)), ("media_type", .string(representation.mediaType)),
                ("content_encoding", representation.contentEncoding.map { .string($0) } ?? nil),
                ("etag", .string(EntityTag(value).text)), ("ttl_ms", remaining.map { .integer(Int($0)) } ?? nil),
            ]
        case .miss: break
        case .stored, .deleted, .refused, .conflict, .unavailable: return .lookup(ByteBuffer(), key.answer)
        }
        var body = ByteBuffer()
        JSONNode.object(members).write(into: &body)
        return Answer(.ok, .prepared(body))
    }
}

extension Representation {
    fileprivate var mediaType: String {
        switch self {
        case .json: "application/json"
        case .text: "text/plain; charset=utf-8"
        case .bytes: "\(MediaType.unknown)"
        case .stored(let value): value.envelope.mediaType.map { String(buffer: $0) } ?? "application/json"
        }
    }

    fileprivate var contentEncoding: String? {
        guard case .stored(let value) = self else { return nil }
        return value.envelope.contentEncoding.map { String(buffer: $0) }
    }
}
