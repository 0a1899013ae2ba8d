package import NIOCore

/// One thing that is wrong with a request body, as FastAPI 0.104 and Pydantic 2.5 report it in an answer of status 422.
package struct ValidationFault: Error, Equatable, Sendable {
    /// What is wrong: `type`, `msg` and `ctx` of the report.
    package enum Kind: Error, Equatable, Sendable {
        case missing
        case modelAttributesType
        case jsonInvalid(JSONError.Code)
        case stringType
        case stringUnicode
        case stringTooShort(minimum: Int)
        /// In bytes of UTF-8, where Pydantic counts characters, and the message says so.
        case stringTooLong(maximum: Int)
        case intType
        case intParsing
        case intParsingSize
        case intFromFloat
        case finiteNumber
        case greaterThanEqual(Int64)
        case lessThanEqual(Int64)
        case boolType
        case boolParsing
    }

    /// Where it is wrong: `loc` of the report.
    package enum Location: Equatable, Sendable {
        /// `["body"]`
        case body
        /// `["body","key"]`
        case field(String)
        /// `["path","key"]`
        case path(String)
        /// `["query","key"]`
        case query(String)
        /// `["body",17]`, in Unicode scalars.
        case offset(Int)
    }

    /// What was found there: `input` of the report.
    package enum Input: Equatable, Sendable {
        case null
        case emptyObject
        /// The JSON text of the offending value, as the body spells it.
        case value(ByteBuffer)
    }

    package let kind: Kind
    package let location: Location
    package let input: Input

    package init(_ kind: Kind, at location: Location, input: Input) {
        self.kind = kind
        self.location = location
        self.input = input
    }
}
