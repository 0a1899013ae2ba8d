import NIOCore
import Testing

@testable import JSON

/// The elements of an array and their members.
@Suite struct JSONArrayElementsTests {
    private static let names: InlineArray<2, JSONMemberName> = [JSONMemberName("a"), JSONMemberName("b")]

    /// Every element of the member `list` as its text and those of its members a and b.
    private func elements(_ text: String) throws -> [[String?]] {
        let buffer = ByteBuffer(string: text)
        let bytes = buffer.readableBytesUInt8Span
        let names: InlineArray<1, JSONMemberName> = [JSONMemberName("list")]
        let list = try #require(try JSONScanner.scanObject(members: names, in: bytes).members[0])
        var walk = JSONArrayElements(of: list, in: bytes)
        var found: [[String?]] = []
        while let element = walk.next(members: Self.names, in: bytes) {
            let texts = [element.root, element.members[0], element.members[1]].map { $0.map { String(buffer: $0.slice(of: buffer)) } }
            found.append(texts)
        }
        #expect(walk.next(members: Self.names, in: bytes) == nil, "the end stays the end")
        return found
    }

    @Test func everyKindOfElement() throws {
        #expect(
            try elements(#"{"list": [1, "x" ,null,{},[],[[1],{"a":7}], {"b":2,"a":{"a":1}} ,true]}"#) == [
                ["1", nil, nil], [#""x""#, nil, nil], ["null", nil, nil], ["{}", nil, nil], ["[]", nil, nil], [#"[[1],{"a":7}]"#, nil, nil],
                [#"{"b":2,"a":{"a":1}}"#, #"{"a":1}"#, "2"], ["true", nil, nil],
            ])
    }

    @Test(arguments: [#"{"list":[]}"#, #"{"list": [ \#n ] }"#, #"{"list":{"a":1}}"#, #"{"list":"[1]"}"#]) func nothing(_ text: String) throws {
        #expect(try elements(text).isEmpty)
    }

    @Test func ofAMemberThatStandsTwiceTheLastCounts() throws {
        #expect(try elements(#"{"list":[0],"list":[{"a":1,"\u0061":2,"aa":3}]}"#) == [[#"{"a":1,"\u0061":2,"aa":3}"#, "2", nil]])
    }

    @Test func deepElements() throws {
        let deep = String(repeating: "[", count: 120) + String(repeating: "]", count: 120)
        #expect(try elements(#"{"list":[\#(deep),{"a":\#(deep)}]}"#).map { $0[1] } == [nil, deep])
    }

    /// Another text than that in which the array was found: no element is made up, and nothing traps.
    @Test func anotherTextHasNoElements() throws {
        let text = ByteBuffer(string: #"{"list":[{"a":1},{"a":2}]}"#)
        let names: InlineArray<1, JSONMemberName> = [JSONMemberName("list")]
        let list = try #require(try JSONScanner.scanObject(members: names, in: text.readableBytesUInt8Span).members[0])
        for other in [#"{"list":[{"a":"#, #"{"list":[{"a":1};{"a":2}]}"#, #"{"list":x{"a":1},{"a":2}]}"#] {
            let bytes = ByteBuffer(string: other)
            var walk = JSONArrayElements(of: list, in: bytes.readableBytesUInt8Span)
            while let element = walk.next(members: Self.names, in: bytes.readableBytesUInt8Span) {
                #expect(element.root.range.upperBound <= bytes.readableBytes)
            }
        }
    }
}
