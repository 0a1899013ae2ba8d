/// An answer of this service that is meant to differ from the recorded one of FastAPI and Pydantic with the same limits.
struct IntendedDifference {
    enum Difference {
        /// The recorded answer, with one piece of it replaced.
        case replacing(String, with: String)
        /// Another answer, of status 422.
        case answer(String)
    }

    let path: String
    let body: [UInt8]
    let difference: Difference

    private init(_ path: String, _ body: [UInt8], _ difference: Difference) {
        self.path = path
        self.body = body
        self.difference = difference
    }

    func expected(insteadOf recorded: ReferenceAnswer.Answer) -> ReferenceAnswer.Answer {
        switch self.difference {
        case .replacing(let piece, let replacement):
            ReferenceAnswer.Answer(status: recorded.status, answer: recorded.answer.replacing(piece, with: replacement))
        case .answer(let answer):
            ReferenceAnswer.Answer(status: 422, answer: answer)
        }
    }

    static let all = spelling + amplification + bytesNotCharacters + surrogates + numbers + underscores + strictness + encodings

    /// Python parses a value and writes it anew; here `input` is the value as the body spells it.
    private static let spelling: [IntendedDifference] =
        [
            ("1e-2", "0.01"), ("1e9", "1000000000.0"), ("1e18", "1e+18"), ("1e19", "1e+19"), ("1e20", "1e+20"), ("-1e19", "-1e+19"),
            ("-1e20", "-1e+20"), ("0.00000000000000000001", "1e-20"), ("9223372036854775807.0", "9.223372036854776e+18"),
            ("-9223372036854775808.0", "-9.223372036854776e+18"), ("9007199254740993.0", "9007199254740992.0"),
            ("3.1536000001e8", "315360000.01"), (#""\u008560""#, "\"\u{85}60\""), (#""\u00a060\u3000""#, "\"\u{A0}60\u{3000}\""),
            (#""\u200b60""#, "\"\u{200B}60\""), (#""\u202860""#, "\"\u{2028}60\""),
        ].map { ours, theirs in ttl(ours, .replacing(#""input":\#(theirs)"#, with: #""input":\#(ours)"#)) } + [
            set(#"{"key":-0,"value":1}"#, .replacing(#""input":0"#, with: #""input":-0"#)),
            set(#"{"key":1e2,"value":1}"#, .replacing(#""input":100.0"#, with: #""input":1e2"#)),
            set(#"{"value":1.50}"#, .replacing("1.5", with: "1.50")),
            set(#"{"value":"\u00e9"}"#, .replacing("é", with: #"\u00e9"#)),
            dryRun("1e18", .replacing("1e+18", with: "1e18")),
            dryRun("1e19", .replacing("1e+19", with: "1e19")),
        ]

    /// A value of more than 1 KiB is not sent back.
    private static let amplification: [IntendedDifference] =
        [
            "1" + zeros(4_299), "\"1\(zeros(4_299))\"", "\"1\(zeros(4_300))\"", "\"\(zeros(4_299))60\"",
            "\"\(String(repeating: "x", count: 4_301))\"",
            "\"\(String(repeating: " ", count: 4_400))60\"", "\"60.\(zeros(4_298))\"",
        ].map { ttl($0, .replacing(#""input":\#($0)"#, with: #""input":null"#)) } + [
            dryRun("\"\(String(repeating: "x", count: 1_100))\"", .replacing("\"\(String(repeating: "x", count: 1_100))\"", with: "null"))
        ]

    /// The limit of a key is one of bytes, and the message says so.
    private static let bytesNotCharacters: [IntendedDifference] = [
        set("{\"key\":\"\(String(repeating: "k", count: 1_025))\",\"value\":1}", .answer(tooLong("key"))),
        // 600 characters, but 1200 bytes.
        set("{\"key\":\"\(String(repeating: "é", count: 600))\",\"value\":1}", .answer(tooLong("key"))),
        invalidate("{\"pattern\":\"\(String(repeating: "p", count: 1_025))\"}", .answer(tooLong("pattern"))),
    ]

    /// Half a surrogate pair made the old service answer 500, as it could not encode its own report.
    private static let surrogates: [IntendedDifference] = [
        set(#"{"key":"\ud800","value":1}"#, .answer(notUnicode("key", #""\ud800""#))),
        set(#"{"key":"\udc00x","value":1}"#, .answer(notUnicode("key", #""\udc00x""#))),
        set(#"{"key":"\ude00\ud83d","value":1}"#, .answer(notUnicode("key", #""\ude00\ud83d""#))),
        ttl(#""\ud800""#, .answer(notUnicode("ttl", #""\ud800""#))),
        invalidate(#"{"pattern":"\ud800"}"#, .answer(notUnicode("pattern", #""\ud800""#))),
        dryRun(#""\ud800""#, .answer(notUnicode("dry_run", #""\ud800""#))),
    ]

    /// Numbers beyond a double made the old service answer 500, as it could not write infinity; integers of more than 4300 digits, 400.
    private static let numbers: [IntendedDifference] = [
        ttl("1e400", .answer(report("finite_number", #""body","ttl""#, "Input should be a finite number", "1e400"))),
        ttl("-1e400", .answer(report("finite_number", #""body","ttl""#, "Input should be a finite number", "-1e400"))),
        ttl(
            "1" + zeros(4_300),
            .answer(report("int_parsing_size", #""body","ttl""#, "Unable to parse input string as an integer, exceeded maximum size", "null"))
        ),
        set(
            "1e400",
            .answer(report("model_attributes_type", #""body""#, "Input should be a valid dictionary or object to extract fields from", "1e400"))),
        dryRun("1e400", .answer(report("bool_type", #""body","dry_run""#, "Input should be a valid boolean", "1e400"))),
    ]

    /// Pydantic lets underscores stray in strings of 19 bytes and more only.
    private static let underscores: [IntendedDifference] = [
        #""000000000000000060_""#, #""00000000000000000_6__0""#, #""00000000000000006_0.0""#,
    ].map { spelling in
        let message = "Input should be a valid integer, unable to parse string as an integer"
        return ttl(spelling, .answer(report("int_parsing", #""body","ttl""#, message, spelling)))
    }

    /// RFC 8259 and nothing else, to a bounded depth.
    private static let strictness: [IntendedDifference] = [
        set("NaN", .answer(notJSON(0, "Expecting value"))),
        set("Infinity", .answer(notJSON(0, "Expecting value"))),
        set("-Infinity", .answer(notJSON(0, "Expecting value"))),
        set(#"{"key":"k","value":NaN}"#, .answer(notJSON(19, "Expecting value"))),
        set(#"{"key":"k","value":-Infinity}"#, .answer(notJSON(19, "Expecting value"))),
        set(#"{"key":"k","value":[Infinity]}"#, .answer(notJSON(20, "Expecting value"))),
        set("{\"key\":\"k\",\"value\":\(nested(128, "[", "]"))}", .answer(notJSON(146, "Nesting too deep at"))),
        set("{\"é\":\(nested(200, #"{"a":"#, "}"))}", .answer(notJSON(640, "Nesting too deep at"))),
    ]

    /// UTF-8 without a byte order mark, where the old service also took UTF-16 and UTF-32, and answered 400 or 500 to malformed text.
    private static let encodings: [IntendedDifference] = [
        set("\u{FEFF}", .answer(notJSON(0, "Unexpected UTF-8 BOM (decode using utf-8-sig)"))),
        set("\u{FEFF}{\"key\":\"k\",\"value\":1}", .answer(notJSON(0, "Unexpected UTF-8 BOM (decode using utf-8-sig)"))),
        encoded(#"{"key":"k","value":1}"#.utf16.flatMap { [UInt8($0), 0] }, notJSON(1, "Expecting property name enclosed in double quotes")),
        encoded([0xFF, 0xFE, 0, 0] + #"{"key":"k","value":1}"#.utf8.flatMap { [$0, 0, 0, 0] }, notJSON(0, "Invalid UTF-8 at")),
        encoded(bytes(#"{"key":""#, [0xFF], #"","value":1}"#), notJSON(8, "Invalid UTF-8 at")),
        encoded(bytes(#"{"key":""#, [0xC3], #"","value":1}"#), notJSON(8, "Invalid UTF-8 at")),
        encoded(bytes(#"{"key":""#, [0xC0, 0x80], #"","value":1}"#), notJSON(8, "Invalid UTF-8 at")),
        encoded(bytes(#"{"key":""#, [0xED, 0xA0, 0x80], #"","value":1}"#), notJSON(8, "Invalid UTF-8 at")),
        encoded(bytes(#"{"key":"k","value":""#, [0xF4, 0x90, 0x80, 0x80], #""}"#), notJSON(20, "Invalid UTF-8 at")),
        encoded(bytes(#"{"key":"k","value":""#, [0xE2, 0x82], #""}"#), notJSON(20, "Invalid UTF-8 at")),
        // The syntax error comes first, but a text that is not UTF-8 is no text.
        encoded(bytes(#"{"key":"é" x ""#, [0xFF], #""}"#), notJSON(14, "Invalid UTF-8 at")),
        encoded([0xFF], notJSON(0, "Invalid UTF-8 at")),
        encoded(bytes("", [0x80], "{}"), notJSON(0, "Invalid UTF-8 at")),
        encoded(bytes("{}", [0xC3], ""), notJSON(2, "Invalid UTF-8 at")),
    ]

    private static func set(_ body: String, _ difference: Difference) -> IntendedDifference {
        IntendedDifference("/cache", Array(body.utf8), difference)
    }

    private static func encoded(_ body: [UInt8], _ answer: String) -> IntendedDifference {
        IntendedDifference("/cache", body, .answer(answer))
    }

    private static func ttl(_ spelling: String, _ difference: Difference) -> IntendedDifference {
        set(#"{"key":"k","value":1,"ttl":\#(spelling)}"#, difference)
    }

    private static func invalidate(_ body: String, _ difference: Difference) -> IntendedDifference {
        IntendedDifference("/cache/invalidate", Array(body.utf8), difference)
    }

    private static func dryRun(_ spelling: String, _ difference: Difference) -> IntendedDifference {
        invalidate(#"{"pattern":"p*","dry_run":\#(spelling)}"#, difference)
    }

    private static func report(_ type: String, _ location: String, _ message: String, _ input: String) -> String {
        #"{"detail":[{"type":"\#(type)","loc":[\#(location)],"msg":"\#(message)","input":\#(input)}]}"#
    }

    private static func notUnicode(_ field: String, _ input: String) -> String {
        report("string_unicode", #""body","\#(field)""#, "Input should be a valid string, unable to parse raw data as a unicode string", input)
    }

    private static func tooLong(_ field: String) -> String {
        #"{"detail":[{"type":"string_too_long","loc":["body","\#(field)"],"#
            + #""msg":"String should have at most 1024 bytes","input":null,"ctx":{"max_length":1024}}]}"#
    }

    private static func notJSON(_ offset: Int, _ sentence: String) -> String {
        #"{"detail":[{"type":"json_invalid","loc":["body",\#(offset)],"msg":"JSON decode error","input":{},"ctx":{"error":"\#(sentence)"}}]}"#
    }

    private static func zeros(_ count: Int) -> String {
        String(repeating: "0", count: count)
    }

    private static func nested(_ depth: Int, _ open: String, _ close: String) -> String {
        String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)
    }

    private static func bytes(_ before: String, _ middle: [UInt8], _ after: String) -> [UInt8] {
        Array(before.utf8) + middle + Array(after.utf8)
    }
}
