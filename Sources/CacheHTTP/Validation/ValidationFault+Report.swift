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
        case .intType: "int_type"
        case .intParsing: "int_parsing"
        case .intParsingSize: "int_parsing_size"
        case .intFromFloat: "int_from_float"
        case .finiteNumber: "finite_number"
        case .greaterThanEqual: "greater_than_equal"
        case .lessThanEqual: "less_than_equal"
        case .boolType: "bool_type"
        case .boolParsing: "bool_parsing"
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
        case .intType: "Input should be a valid integer"
        case .intParsing: "Input should be a valid integer, unable to parse string as an integer"
        case .intParsingSize: "Unable to parse input string as an integer, exceeded maximum size"
        case .intFromFloat: "Input should be a valid integer, got a number with a fractional part"
        case .finiteNumber: "Input should be a finite number"
        case .greaterThanEqual(let bound): "Input should be greater than or equal to \(bound)"
        case .lessThanEqual(let bound): "Input should be less than or equal to \(bound)"
        case .boolType: "Input should be a valid boolean"
        case .boolParsing: "Input should be a valid boolean, unable to interpret input"
        }
    }

    /// What the sentence was made from, as one named value. Nil where it is always the same sentence.
    var context: (name: String, value: ContextValue)? {
        switch self {
        case .jsonInvalid(let code): ("error", .text(code.rawValue))
        case .stringTooShort(let minimum): ("min_length", .integer(Int64(minimum)))
        case .stringTooLong(let maximum): ("max_length", .integer(Int64(maximum)))
        case .greaterThanEqual(let bound): ("ge", .integer(bound))
        case .lessThanEqual(let bound): ("le", .integer(bound))
        case .missing, .modelAttributesType, .stringType, .stringUnicode, .intType, .intParsing, .intParsingSize, .intFromFloat, .finiteNumber,
            .boolType, .boolParsing:
            nil
        }
    }

    enum ContextValue {
        case text(String)
        case integer(Int64)
    }
}
