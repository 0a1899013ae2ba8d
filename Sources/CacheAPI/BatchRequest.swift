package import Cache
import JSON
package import NIOCore

/// What the body of `POST /cache/batch` amounts to: `{"operations":[{"op":"get","key":string}, ...]}`, with other members ignored.
package enum BatchRequest: Equatable, Sendable {
    case success([BatchOperation])
    /// To be answered with status 422: all faults, by operation, and within one in the order op, key, value, ttl, stale, tags, etag.
    case faults([ValidationFault])
    /// To be answered with status 413. Takes precedence over the faults of the fields.
    case valueTooLarge(limit: Int)

    private static let names: InlineArray<1, JSONMemberName> = [JSONMemberName("operations")]
    /// A value may be nested as deeply as if it were stored by itself, where only the body is around it.
    private static let outerDepth = 2

    /// Reads and judges a body. Keys and values share its storage if they can.
    ///
    /// - Complexity: O(n): two passes, the first of which validates. No allocation but the array, unless a name or a key is spelled with escapes.
    package static func parse(body: ByteBuffer, limits: RequestLimits) -> BatchRequest {
        let document: JSONDocument<1>
        do throws(ValidationFault) {
            let depth = min(limits.maximumJSONDepth + self.outerDepth, JSONScanner.greatestMaximumDepth)
            document = try FieldReader.scanObject(members: self.names, in: body, maximumDepth: depth)
        } catch {
            return .faults([error])
        }
        var reader = BatchReader(fields: FieldReader(body: body, root: document.root), limits: limits)
        return reader.read(document.members[0])
    }
}

/// The operations that a batch can have.
private enum OperationName: String, CaseIterable {
    case get, set, delete, touch

    private static let names = Self.allCases.map { JSONMemberName($0.rawValue) }

    init?(_ element: JSONElement, in bytes: Span<UInt8>) {
        guard let name = JSONMemberName(element, in: bytes), let index = Self.names.firstIndex(of: name) else { return nil }
        self = Self.allCases[index]
    }

    /// As Pydantic lists them: `'get', 'set', 'delete' or 'touch'`.
    static let list: String = {
        let names = Self.allCases.map { "'\($0.rawValue)'" }
        return "\(names.dropLast().joined(separator: ", ")) or \(names[names.count - 1])"
    }()
}

/// Reads the operations of a batch one by one.
private struct BatchReader {
    private static let names: InlineArray<7, JSONMemberName> = [
        JSONMemberName("op"), JSONMemberName("key"), JSONMemberName("value"), JSONMemberName("ttl"), JSONMemberName("stale"),
        JSONMemberName("tags"), JSONMemberName("etag"),
    ]
    /// What an operation takes of the body, roughly: room is made for so many.
    private static let typicalBytes = 40

    var fields: FieldReader
    let limits: RequestLimits
    private var operations: [BatchOperation] = []
    private var isValueTooLarge = false

    init(fields: FieldReader, limits: RequestLimits) {
        self.fields = fields
        self.limits = limits
    }

    mutating func read(_ list: JSONElement?) -> BatchRequest {
        guard let list else {
            self.fields.add(.missing, "operations", self.fields.root)
            return .faults(self.fields.faults)
        }
        guard list.kind == .array else {
            self.fields.add(.listType, "operations", list)
            return .faults(self.fields.faults)
        }
        let body = self.fields.body
        let bytes = body.readableBytesUInt8Span
        let maximum = self.limits.maximumBatchOperations
        self.operations.reserveCapacity(min(maximum, list.range.count / Self.typicalBytes))
        var elements = JSONArrayElements(of: list, in: bytes)
        var count = 0
        while let element = elements.next(members: Self.names, in: bytes) {
            if count < maximum { self.read(element, at: count, in: bytes) }
            count += 1
        }
        guard count <= maximum else {
            let input = ValidationFault.Input.value(list.slice(of: self.fields.body))
            return .faults([ValidationFault(.tooLong(maximum: maximum, actual: count), at: .field("operations"), input: input)])
        }
        if self.isValueTooLarge { return .valueTooLarge(limit: self.limits.maximumValueBytes) }
        return self.fields.faults.isEmpty ? .success(self.operations) : .faults(self.fields.faults)
    }

    private mutating func read(_ element: JSONDocument<7>, at index: Int, in bytes: Span<UInt8>) {
        self.fields.move(toOperation: index, element.root)
        guard element.root.kind == .object else { return self.fields.addFaultOfObject(.modelAttributesType) }
        let name = self.name(element.members[0], in: bytes)
        let key = self.fields.requiredKey("key", element.members[1], maximumBytes: self.limits.maximumKeyBytes)
        switch name {
        case .get:
            let wantsTag = self.fields.boolean("etag", element.members[6], default: false)
            if let key, let wantsTag { self.operations.append(BatchOperation(.get, key: key, wantsEntityTag: wantsTag)) }
        case .delete: self.append(.delete, key)
        case .set: self.readSet(element, key)
        case .touch:
            let ttl = self.fields.requiredInteger("ttl", element.members[3], in: 0...self.limits.maximumTTLSeconds)
            if let ttl { self.append(.expire(ttlSeconds: ttl == 0 ? nil : ttl), key) }
        case nil: break
        }
    }

    /// As `SetRequest` does.
    private mutating func readSet(_ element: JSONDocument<7>, _ key: ByteBuffer?) {
        if let value = element.members[2], value.range.count > self.limits.maximumValueBytes { self.isValueTooLarge = true }
        let seconds = 0...self.limits.maximumTTLSeconds
        let faultCount = self.fields.faults.count
        let value = self.fields.requiredValue("value", element.members[2])
        let ttl = self.fields.optionalInteger("ttl", element.members[3], in: seconds)
        let stale = self.fields.optionalInteger("stale", element.members[4], in: seconds) ?? 0
        let tags = self.fields.optionalTexts(
            "tags", element.members[5], maximumCount: Envelope.maximumTags, maximumBytes: self.limits.maximumKeyBytes)
        let isEndless = ttl ?? 0 == 0 && (stale > 0 || !tags.isEmpty)
        if isEndless, key != nil, self.fields.faults.count == faultCount { self.fields.add(SetRequest.endless, "ttl", element.members[3]) }
        guard let key, let value else { return }
        self.operations.append(
            BatchOperation(.set(value: value, ttlSeconds: ttl == 0 ? nil : ttl), key: key, staleSeconds: stale, tags: tags))
    }

    private mutating func name(_ element: JSONElement?, in bytes: Span<UInt8>) -> OperationName? {
        guard let element else {
            self.fields.add(.missing, "op", self.fields.root)
            return nil
        }
        if let name = OperationName(element, in: bytes) { return name }
        self.fields.add(.literalError(expected: OperationName.list), "op", element)
        return nil
    }

    private mutating func append(_ kind: BatchOperation.Kind, _ key: ByteBuffer?) {
        if let key { self.operations.append(BatchOperation(kind, key: key)) }
    }
}
