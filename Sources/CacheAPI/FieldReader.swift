import Cache
import JSON
import NIOCore

/// Reads the fields of a request body one by one, and gathers what is wrong with them.
///
/// A field that cannot be read adds a fault and yields nil, and reading goes on: the client learns of every fault at once.
struct FieldReader {
    let body: ByteBuffer

    /// The object with the fields, which is the `input` of a field that is missing from it.
    private(set) var root: JSONElement

    /// Which operation of a batch the object is; nil if it is the body itself.
    private var operation: Int?

    private(set) var faults: [ValidationFault] = []

    init(body: ByteBuffer, root: JSONElement) {
        self.body = body
        self.root = root
    }

    /// From now on the fields are those of an operation of a batch.
    mutating func move(toOperation index: Int, _ root: JSONElement) {
        self.operation = index
        self.root = root
    }

    /// The object should be something else.
    mutating func addFaultOfObject(_ kind: ValidationFault.Kind) {
        let location = self.operation.map { ValidationFault.Location.operation($0, nil) } ?? .body
        self.faults.append(ValidationFault(kind, at: location, input: .value(self.root.slice(of: self.body))))
    }

    /// Finds members of a body that has to be an object. An empty body and one of `null` both count as absent, as in FastAPI.
    static func scanObject<let count: Int>(
        members names: InlineArray<count, JSONMemberName>,
        in body: ByteBuffer,
        maximumDepth: Int
    ) throws(ValidationFault) -> JSONDocument<count> {
        guard body.readableBytes > 0 else { throw ValidationFault(.missing, at: .body, input: .null) }
        let document: JSONDocument<count>
        do throws(JSONError) {
            document = try JSONScanner.scanObject(members: names, in: body.readableBytesUInt8Span, maximumDepth: maximumDepth)
        } catch {
            throw ValidationFault(.jsonInvalid(error.code), at: .offset(error.characterOffset), input: .emptyObject)
        }
        switch document.root.kind {
        case .object:
            return document
        case .null:
            throw ValidationFault(.missing, at: .body, input: .null)
        case .array, .string, .number, .true, .false:
            throw ValidationFault(.modelAttributesType, at: .body, input: .value(document.root.slice(of: body)))
        }
    }

    /// The JSON text of a field that may be any value, `null` included.
    mutating func requiredValue(_ name: String, _ element: JSONElement?) -> ByteBuffer? {
        guard let element else {
            self.add(.missing, name, self.root)
            return nil
        }
        return element.slice(of: self.body)
    }

    /// The text of a string of 1 to `maximumBytes` bytes of UTF-8.
    mutating func requiredText(_ name: String, _ element: JSONElement?, maximumBytes: Int) -> ByteBuffer? {
        guard let element else {
            self.add(.missing, name, self.root)
            return nil
        }
        switch Self.text(element, in: self.body, maximumBytes: maximumBytes) {
        case .success(let text):
            return text
        case .failure(let kind):
            self.add(kind, name, element)
            return nil
        }
    }

    /// The same for a key.
    mutating func requiredKey(_ name: String, _ element: JSONElement?, maximumBytes: Int) -> ByteBuffer? {
        guard let key = self.requiredText(name, element, maximumBytes: maximumBytes) else { return nil }
        guard TagVersion.isKey(key) else { return key }
        self.add(CacheKey.reservedKey, name, element)
        return nil
    }

    /// Texts in a list, each as long as a key; none if it is absent or `null`.
    mutating func optionalTexts(_ name: String, _ element: JSONElement?, maximumCount: Int, maximumBytes: Int) -> [ByteBuffer] {
        guard let element, element.kind != .null else { return [] }
        guard element.kind == .array else {
            self.add(.listType, name, element)
            return []
        }
        var texts: [ByteBuffer] = []
        var count = 0
        let body = self.body
        var items = JSONArrayElements(of: element, in: body.readableBytesUInt8Span)
        while let item = items.next(members: Self.noNames, in: body.readableBytesUInt8Span)?.root {
            if count < maximumCount {
                switch Self.text(item, in: body, maximumBytes: maximumBytes) {
                case .success(let text): texts.append(text)
                case .failure(let kind):
                    let location = self.operation.map { ValidationFault.Location.operationItem($0, name, count) } ?? .item(name, count)
                    self.faults.append(ValidationFault(kind, at: location, input: .value(item.slice(of: body))))
                }
            }
            count += 1
        }
        if count > maximumCount { self.add(.tooLong(maximum: maximumCount, actual: count), name, element) }
        return texts
    }

    private static let noNames: InlineArray<0, JSONMemberName> = []

    private static func text(_ element: JSONElement, in body: ByteBuffer, maximumBytes: Int) -> Result<ByteBuffer, ValidationFault.Kind> {
        guard element.kind == .string else { return .failure(.stringType) }
        guard let text = element.decodeString(in: body) else { return .failure(.stringUnicode) }
        guard text.readableBytes > 0 else { return .failure(.stringTooShort(minimum: 1)) }
        guard text.readableBytes <= maximumBytes else { return .failure(.stringTooLong(maximum: maximumBytes)) }
        return .success(text)
    }

    /// An integer in Pydantic's lax mode, which takes one from a number, a string or a Boolean. Nil also if it is absent or `null`.
    mutating func optionalInteger(_ name: String, _ element: JSONElement?, in range: ClosedRange<Int64>) -> Int64? {
        guard let element, element.kind != .null else { return nil }
        do throws(ValidationFault.Kind) {
            let value = try LaxInteger.read(element, in: self.body)
            guard value >= range.lowerBound else { throw .greaterThanEqual(range.lowerBound) }
            guard value <= range.upperBound else { throw .lessThanEqual(range.upperBound) }
            return value
        } catch {
            self.add(error, name, element)
            return nil
        }
    }

    /// The same of a field that must be there.
    mutating func requiredInteger(_ name: String, _ element: JSONElement?, in range: ClosedRange<Int64>) -> Int64? {
        guard let element else {
            self.add(.missing, name, self.root)
            return nil
        }
        guard element.kind != .null else {
            self.add(.intType, name, element)
            return nil
        }
        return self.optionalInteger(name, element, in: range)
    }

    /// A Boolean in Pydantic's lax mode, which takes one from a number or a string as well. Nil if it is anything else, `null` included.
    mutating func boolean(_ name: String, _ element: JSONElement?, default value: Bool) -> Bool? {
        guard let element else { return value }
        do throws(ValidationFault.Kind) {
            return try LaxBoolean.read(element, in: self.body)
        } catch {
            self.add(error, name, element)
            return nil
        }
    }

    /// A field is wrong.
    /// - Parameter element: nil if the field is not there.
    mutating func add(_ kind: ValidationFault.Kind, _ name: String, _ element: JSONElement?) {
        let location = self.operation.map { ValidationFault.Location.operation($0, name) } ?? .field(name)
        self.faults.append(ValidationFault(kind, at: location, input: element.map { .value($0.slice(of: self.body)) } ?? .null))
    }
}
