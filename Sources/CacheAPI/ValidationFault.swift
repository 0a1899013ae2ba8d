package import JSON
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
        /// - Parameter pattern: what the text should be, in words.
        case stringPatternMismatch(pattern: String)
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
        case listType
        case tooLong(maximum: Int, actual: Int)
        /// - Parameter expected: what could stand there, as the sentence lists it.
        case literalError(expected: String)
        /// What no type can say.
        case valueError(String)
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
        /// `["header","content-type"]`
        case header(String)
        /// `["body","tags",3]`
        case item(String, Int)
        /// `["body",17]`, in Unicode scalars.
        case offset(Int)
        /// `["body","operations",7,"key"]`, or `["body","operations",7]` of the operation as a whole.
        case operation(Int, String?)
        /// `["body","operations",7,"tags",3]`
        case operationItem(Int, String, Int)
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

extension ValidationFault.Kind {
    /// Pydantic's name of the fault.
    var type: String {
        switch self {
        case .missing: "missing"
        case .modelAttributesType: "model_attributes_type"
        case .jsonInvalid: "json_invalid"
        case .stringType: "string_type"
        case .stringUnicode: "string_unicode"
        case .stringTooShort: "string_too_short"
        case .stringTooLong: "string_too_long"
        case .stringPatternMismatch: "string_pattern_mismatch"
        case .intType: "int_type"
        case .intParsing: "int_parsing"
        case .intParsingSize: "int_parsing_size"
        case .intFromFloat: "int_from_float"
        case .finiteNumber: "finite_number"
        case .greaterThanEqual: "greater_than_equal"
        case .lessThanEqual: "less_than_equal"
        case .boolType: "bool_type"
        case .boolParsing: "bool_parsing"
        case .listType: "list_type"
        case .tooLong: "too_long"
        case .literalError: "literal_error"
        case .valueError: "value_error"
        }
    }

    /// Pydantic's sentence, but for `stringTooLong`, which counts bytes here.
    var message: String {
        switch self {
        case .missing: "Field required"
        case .modelAttributesType: "Input should be a valid dictionary or object to extract fields from"
        case .jsonInvalid: "JSON decode error"
        case .stringType: "Input should be a valid string"
        case .stringUnicode: "Input should be a valid string, unable to parse raw data as a unicode string"
        case .stringTooShort(let minimum): "String should have at least \(minimum) character\(minimum == 1 ? "" : "s")"
        case .stringTooLong(let maximum): "String should have at most \(maximum) byte\(maximum == 1 ? "" : "s")"
        case .stringPatternMismatch(let pattern): "String should match pattern '\(pattern)'"
        case .intType: "Input should be a valid integer"
        case .intParsing: "Input should be a valid integer, unable to parse string as an integer"
        case .intParsingSize: "Unable to parse input string as an integer, exceeded maximum size"
        case .intFromFloat: "Input should be a valid integer, got a number with a fractional part"
        case .finiteNumber: "Input should be a finite number"
        case .greaterThanEqual(let bound): "Input should be greater than or equal to \(bound)"
        case .lessThanEqual(let bound): "Input should be less than or equal to \(bound)"
        case .boolType: "Input should be a valid boolean"
        case .boolParsing: "Input should be a valid boolean, unable to interpret input"
        case .listType: "Input should be a valid list"
        case .tooLong(let maximum, let actual):
            "List should have at most \(maximum) item\(maximum == 1 ? "" : "s") after validation, not \(actual)"
        case .literalError(let expected): "Input should be \(expected)"
        case .valueError(let text): "Value error, \(text)"
        }
    }

    /// What the sentence was made from, as named values. None if it is always the same sentence.
    var context: [(name: String, value: ContextValue)] {
        switch self {
        case .jsonInvalid(let code): [("error", .text(code.rawValue))]
        case .stringTooShort(let minimum): [("min_length", .integer(Int64(minimum)))]
        case .stringTooLong(let maximum): [("max_length", .integer(Int64(maximum)))]
        case .stringPatternMismatch(let pattern): [("pattern", .text(pattern))]
        case .greaterThanEqual(let bound): [("ge", .integer(bound))]
        case .lessThanEqual(let bound): [("le", .integer(bound))]
        case .tooLong(let maximum, let actual):
            [("field_type", .text("List")), ("max_length", .integer(Int64(maximum))), ("actual_length", .integer(Int64(actual)))]
        case .literalError(let expected): [("expected", .text(expected))]
        case .missing, .modelAttributesType, .stringType, .stringUnicode, .intType, .intParsing, .intParsingSize, .intFromFloat, .finiteNumber,
            .boolType, .boolParsing, .listType, .valueError:
            []
        }
    }

    enum ContextValue {
        case text(String)
        case integer(Int64)
    }
}

/// Appends the body of an answer of status 422, as FastAPI writes it: `{"detail":[{"type":...,"loc":[...],"msg":...,"input":...,"ctx":{...}}]}`
/// with one object for each fault, in order, and `ctx` only if the fault has one. Pydantic's `url` is left out.
///
/// `input` is the offending value as the body spells it, less the whitespace outside strings. A value of more than
/// `ValidationFault.maximumEchoedBytes` bytes is answered with `null` instead: an answer must not grow with the request, and the client has
/// the value. So each fault takes at most a bit over 1 KiB, and a body has at most as many faults as its request has fields.
///
/// - Parameters:
///   - faults: at least one.
///   - buffer: where to append.
/// - Complexity: O(1) for each fault, as all that is written is bounded.
func writeFaults(_ faults: [ValidationFault], into buffer: inout ByteBuffer) {
    buffer.writeStaticString(#"{"detail":["#)
    for index in faults.indices {
        if index > 0 { buffer.writeStaticString(",") }
        faults[index].write(into: &buffer)
    }
    buffer.writeStaticString("]}")
}

extension ValidationFault {
    /// The longest value that an answer repeats as `input`, in bytes as the body spells it.
    private static let maximumEchoedBytes = 1024

    fileprivate func write(into buffer: inout ByteBuffer) {
        buffer.writeStaticString(#"{"type":"#)
        JSONWriter.writeString(self.kind.type, into: &buffer)
        buffer.writeStaticString(#","loc":["#)
        self.location.write(into: &buffer)
        buffer.writeStaticString(#"],"msg":"#)
        JSONWriter.writeString(self.kind.message, into: &buffer)
        buffer.writeStaticString(#","input":"#)
        self.writeInput(into: &buffer)
        self.writeContext(into: &buffer)
        buffer.writeStaticString("}")
    }

    private func writeInput(into buffer: inout ByteBuffer) {
        switch self.input {
        case .emptyObject:
            buffer.writeStaticString("{}")
        case .value(let value) where value.readableBytes <= Self.maximumEchoedBytes:
            JSONWriter.writeCompacted(value.readableBytesUInt8Span, into: &buffer)
        case .null, .value:
            buffer.writeStaticString("null")
        }
    }

    private func writeContext(into buffer: inout ByteBuffer) {
        let context = self.kind.context
        guard !context.isEmpty else { return }
        buffer.writeStaticString(#","ctx":{"#)
        for (index, (name, value)) in context.enumerated() {
            if index > 0 { buffer.writeStaticString(",") }
            JSONWriter.writeString(name, into: &buffer)
            buffer.writeStaticString(":")
            switch value {
            case .text(let text): JSONWriter.writeString(text, into: &buffer)
            case .integer(let integer): JSONWriter.writeInteger(integer, into: &buffer)
            }
        }
        buffer.writeStaticString("}")
    }
}

extension ValidationFault.Location {
    fileprivate func write(into buffer: inout ByteBuffer) {
        switch self {
        case .body:
            JSONWriter.writeString("body", into: &buffer)
        case .field(let name):
            Self.write("body", name, into: &buffer)
        case .path(let name):
            Self.write("path", name, into: &buffer)
        case .query(let name):
            Self.write("query", name, into: &buffer)
        case .header(let name):
            Self.write("header", name, into: &buffer)
        case .item(let name, let index):
            Self.write("body", name, into: &buffer)
            buffer.writeStaticString(",")
            JSONWriter.writeInteger(Int64(index), into: &buffer)
        case .offset(let offset):
            JSONWriter.writeString("body", into: &buffer)
            buffer.writeStaticString(",")
            JSONWriter.writeInteger(Int64(offset), into: &buffer)
        case .operation(let index, let name):
            Self.writeOperation(index, name, into: &buffer)
        case .operationItem(let index, let name, let item):
            Self.writeOperation(index, name, into: &buffer)
            buffer.writeStaticString(",")
            JSONWriter.writeInteger(Int64(item), into: &buffer)
        }
    }

    private static func writeOperation(_ index: Int, _ name: String?, into buffer: inout ByteBuffer) {
        self.write("body", "operations", into: &buffer)
        buffer.writeStaticString(",")
        JSONWriter.writeInteger(Int64(index), into: &buffer)
        guard let name else { return }
        buffer.writeStaticString(",")
        JSONWriter.writeString(name, into: &buffer)
    }

    private static func write(_ part: String, _ name: String, into buffer: inout ByteBuffer) {
        JSONWriter.writeString(part, into: &buffer)
        buffer.writeStaticString(",")
        JSONWriter.writeString(name, into: &buffer)
    }
}
