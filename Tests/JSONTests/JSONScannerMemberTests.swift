import NIOCore
import Testing

@testable import JSON

/// Finding the members of the outermost object.
@Suite struct JSONScannerMemberTests {
    private static let names: InlineArray<3, JSONMemberName> = [JSONMemberName("key"), JSONMemberName("value"), JSONMemberName("ttl")]

    /// The JSON text of key, value and ttl.
    private func members(of text: String) throws -> [String?] {
        let buffer = ByteBuffer(string: text)
        let document = try JSONScanner.scanObject(members: Self.names, in: buffer.readableBytesUInt8Span)
        return document.members.indices.map { index in document.members[index].map { String(buffer: $0.slice(of: buffer)) } }
    }

    @Test func findsMembersInAnyOrder() throws {
        #expect(try members(of: #"{"key":"k","value":1,"ttl":60}"#) == [#""k""#, "1", "60"])
        #expect(try members(of: #"{"ttl":60,"value":1,"key":"k"}"#) == [#""k""#, "1", "60"])
        #expect(try members(of: #"{"other":[1],"value":null,"more":{}}"#) == [nil, "null", nil])
        #expect(try members(of: "{}") == [nil, nil, nil])
    }

    @Test func keepsValuesVerbatim() throws {
        let values = [
            "-0", "0.1000000000000000055", "1e400", #"{"a":1,"a":2}"#, #""\u0041\/\ud800""#, "{ \"a\" : [ 1 ,\n2 ] }", #""é😀""#, "true", "false",
            "null",
            "[]", "{}", "\"\"", #"{"key":"inner","ttl":[{"value":7}]}"#, "123456789012345678901234567890.5E-7",
        ]
        for value in values {
            #expect(try members(of: "{\"key\":\"k\",\"value\":\(value),\"ttl\":5}") == [#""k""#, value, "5"])
            #expect(try members(of: "\n{ \"ttl\" : 5 ,\r\n\"value\"\t:  \(value)  }\t") == [nil, value, "5"])
        }
    }

    @Test func doesNotLookIntoValues() throws {
        #expect(try members(of: #"{"a":{"key":1,"value":2},"b":[{"ttl":3}]}"#) == [nil, nil, nil])
        #expect(try members(of: #"{"key":{"key":{"key":1}},"value":"\"ttl\":1"}"#) == [#"{"key":{"key":1}}"#, #""\"ttl\":1""#, nil])
        #expect(try members(of: #"[{"key":1}]"#) == [nil, nil, nil])
        #expect(try members(of: #""key""#) == [nil, nil, nil])
    }

    @Test func lastDuplicateCounts() throws {
        #expect(try members(of: #"{"key":1,"key":2,"key":3}"#) == ["3", nil, nil])
        #expect(try members(of: #"{"key":1,"k\u0065y":2}"#) == ["2", nil, nil])
        #expect(try members(of: #"{"k\u0065y":2,"key":1,"ttl":9,"key2":3}"#) == ["1", nil, "9"])
    }

    @Test func readsEscapedNames() throws {
        #expect(try members(of: #"{"\u006b\u0065\u0079":1,"v\u0061lue":2,"\u0074\u0074\u006C":3}"#) == ["1", "2", "3"])
        for other in [#"k\ney"#, #"key\u0000"#, #"\u0000key"#, #"key\\"#, #"k\u0435y"#, #"\ud83d\ude00"#, #"\ud800"#, "KEY", "ke", "keyy", "", "clé"]
        {
            #expect(try members(of: "{\"\(other)\":1}") == [nil, nil, nil], "\(other)")
        }
        // A name of sixteen bytes, each of them escaped, is the longest text that can be a sought name.
        let name: InlineArray<1, JSONMemberName> = [JSONMemberName("abcdefghijklmnop")]
        for (text, isFound) in [("", true), ("a", false), (#"\u0061"#, false)] {
            let escaped = "abcdefghijklmnop".utf8.map { "\\u00" + String($0, radix: 16) }.joined() + text
            let document = try JSONScanner.scanObject(members: name, in: Array("{\"\(escaped)\":1}".utf8).span)
            #expect((document.members[0] != nil) == isFound)
        }
    }

    @Test func tellsKindAndEscapes() throws {
        func root(_ text: String) throws -> JSONElement { try JSONScanner.validate(Array(text.utf8).span) }
        #expect(try root(" {} ") == JSONElement(range: 1..<3, kind: .object, hasEscapes: false))
        #expect(try root(#"["\n"]"#) == JSONElement(range: 0..<6, kind: .array, hasEscapes: false))
        #expect(try root(#""\n""#) == JSONElement(range: 0..<4, kind: .string, hasEscapes: true))
        #expect(try root(#""n""#) == JSONElement(range: 0..<3, kind: .string, hasEscapes: false))
        #expect(try root("-1") == JSONElement(range: 0..<2, kind: .number, hasEscapes: false))
        #expect(try root("true").kind == .true)
        #expect(try root("false").kind == .false)
        #expect(try root("null").kind == .null)
    }

    @Test func readsFromTheMiddleOfABuffer() throws {
        var buffer = ByteBuffer(string: #"garbage{"key":"k","value":"a\tb"}"#)
        buffer.moveReaderIndex(forwardBy: 7)
        let document = try JSONScanner.scanObject(members: Self.names, in: buffer.readableBytesUInt8Span)
        #expect(document.members[0]?.decodeString(in: buffer) == ByteBuffer(string: "k"))
        #expect(document.members[1]?.decodeString(in: buffer) == ByteBuffer(string: "a\tb"))
        #expect(document.members[1]?.slice(of: buffer) == ByteBuffer(string: #""a\tb""#))
    }

    @Test func decodesStrings() throws {
        func decoded(_ text: String) throws -> String? {
            let buffer = ByteBuffer(string: text)
            return try JSONScanner.validate(buffer.readableBytesUInt8Span).decodeString(in: buffer).map { String(buffer: $0) }
        }
        #expect(try decoded(#""""#) == "")
        #expect(try decoded(#""plain é😀""#) == "plain é😀")
        #expect(try decoded(#""\"\\\/\b\f\n\r\t""#) == "\"\\/\u{8}\u{C}\n\r\t")
        #expect(
            try decoded(#""\u0000\u007f\u0080\u07fF\u0800\uFFFF\ud800\udc00\uDBFF\uDFFF!""#)
                == "\0\u{7F}\u{80}\u{7FF}\u{800}\u{FFFF}\u{10000}\u{10FFFF}!")
        #expect(try decoded(#""é\u00e9é""#) == "ééé")
        #expect(try decoded(#""\\u0041""#) == #"\u0041"#)
        for half in [#""\ud800""#, #""\udc00""#, #""\ud800x""#, #""\ud800\n""#, #""\ud800\u0041""#, #""\ud800\ud800""#, #""\udc00\ud800""#] {
            #expect(try decoded(half) == nil)
        }
        #expect(try decoded("1") == nil)
        #expect(try decoded("[]") == nil)
    }

    /// A slice of the body, not a copy, if the text is spelled without escapes.
    @Test func decodesPlainStringsWithoutCopying() throws {
        let buffer = ByteBuffer(string: #""plain""#)
        let text = try #require(try JSONScanner.validate(buffer.readableBytesUInt8Span).decodeString(in: buffer))
        let inside = buffer.withUnsafeReadableBytes { $0.baseAddress.map { UInt(bitPattern: $0) + 1 } }
        #expect(text.withUnsafeReadableBytes { $0.baseAddress.map { UInt(bitPattern: $0) } } == inside)
    }
}
