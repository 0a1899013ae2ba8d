package import NIOCore

/// A JSON document that the program itself makes, member by member in the order in which they stand.
package indirect enum JSONNode: Sendable {
    case object([(String, JSONNode)])
    case array([JSONNode])
    case string(String)
    case integer(Int)
    /// What JSON has no number for becomes `null`.
    case number(Double)
    case boolean(Bool)
    /// Bytes that are JSON already.
    case prepared(ByteBuffer)
    case null

    /// Appends the document without whitespace.
    package func write(into buffer: inout ByteBuffer) {
        switch self {
        case .object(let members):
            buffer.writeStaticString("{")
            for (index, member) in members.enumerated() {
                if index > 0 { buffer.writeStaticString(",") }
                JSONWriter.writeString(member.0, into: &buffer)
                buffer.writeStaticString(":")
                member.1.write(into: &buffer)
            }
            buffer.writeStaticString("}")
        case .array(let elements):
            buffer.writeStaticString("[")
            for (index, element) in elements.enumerated() {
                if index > 0 { buffer.writeStaticString(",") }
                element.write(into: &buffer)
            }
            buffer.writeStaticString("]")
        case .string(let text): JSONWriter.writeString(text, into: &buffer)
        case .integer(let number): JSONWriter.writeInteger(Int64(number), into: &buffer)
        case .number(let number): buffer.writeString(number.isFinite ? "\(number)" : "null")
        case .prepared(let bytes): buffer.writeImmutableBuffer(bytes)
        case .boolean(let flag): buffer.writeStaticString(flag ? "true" : "false")
        case .null: buffer.writeStaticString("null")
        }
    }

    /// The object with the members of another behind its own; anything else stays as it is.
    package func merging(_ other: JSONNode) -> JSONNode {
        guard case .object(let own) = self, case .object(let more) = other else { return self }
        return .object(own + more)
    }
}

extension JSONNode: ExpressibleByDictionaryLiteral, ExpressibleByArrayLiteral, ExpressibleByStringLiteral, ExpressibleByStringInterpolation,
    ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral, ExpressibleByNilLiteral
{
    package init(dictionaryLiteral members: (String, JSONNode)...) { self = .object(members) }
    package init(arrayLiteral elements: JSONNode...) { self = .array(elements) }
    package init(stringLiteral text: String) { self = .string(text) }
    package init(integerLiteral number: Int) { self = .integer(number) }
    package init(booleanLiteral flag: Bool) { self = .boolean(flag) }
    package init(nilLiteral: ()) { self = .null }
}
