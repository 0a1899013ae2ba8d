/// The seven kinds of JSON value (RFC 8259 section 3), told apart by their first byte.
package enum JSONKind: Sendable {
    case object
    case array
    case string
    case number
    case `true`
    case `false`
    case null

    /// The kind of the valid JSON value that starts with `byte`.
    @inline(__always)
    init(firstByte byte: UInt8) {
        switch byte {
        case UInt8(ascii: "{"): self = .object
        case UInt8(ascii: "["): self = .array
        case UInt8(ascii: "\""): self = .string
        case UInt8(ascii: "t"): self = .true
        case UInt8(ascii: "f"): self = .false
        case UInt8(ascii: "n"): self = .null
        default: self = .number
        }
    }
}
