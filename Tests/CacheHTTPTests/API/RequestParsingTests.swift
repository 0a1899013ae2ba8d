import NIOCore
import Testing

@testable import CacheAPI

/// Requests within and beyond their limits.
@Suite struct RequestParsingTests {
    private func set(_ body: String, _ limits: RequestLimits = RequestLimits()) -> SetRequest {
        SetRequest.parse(body: ByteBuffer(string: body), limits: limits)
    }

    private func report(_ faults: [ValidationFault]) -> String {
        var buffer = ByteBuffer()
        writeFaults(faults, into: &buffer)
        return String(buffer: buffer)
    }

    @Test func keepsTheValueVerbatim() {
        let value = "{ \"a\" : [ -0 , 1e400 , \"\\u0041\" ] , \"a\" : 1 }"
        let expected = SetCommand(key: ByteBuffer(string: "k/é"), value: ByteBuffer(string: value), ttl: 60)
        #expect(set("{\"key\":\"k\\/\\u00e9\",\"value\":  \(value) ,\"ttl\":\"60\"}") == .success(expected))
    }

    @Test(arguments: ["0", "0.0", "-0", "false", "null", "\"0\""]) func zeroIsNoExpiration(_ ttl: String) {
        let expected = SetCommand(key: ByteBuffer(string: "k"), value: ByteBuffer(string: "1"), ttl: nil)
        #expect(set("{\"key\":\"k\",\"value\":1,\"ttl\":\(ttl)}") == .success(expected))
    }

    @Test func limitsAreInclusive() {
        let limits = RequestLimits(maximumKeyBytes: 4, maximumValueBytes: 6, maximumTTLSeconds: 10, maximumJSONDepth: 3)
        func accepts(_ body: String) -> Bool {
            if case .success = set(body, limits) { return true }
            return false
        }
        #expect(accepts(#"{"key":"abcd","value":"1234","ttl":10}"#))
        #expect(accepts(#"{"key":"éé","value":123456}"#))
        #expect(accepts(#"{"key":"\u0061\u0062\u0063\u0064","value":1}"#))
        #expect(!accepts(#"{"key":"abcde","value":1}"#))
        #expect(!accepts(#"{"key":"ééa","value":1}"#))
        #expect(!accepts(#"{"key":"k","value":1,"ttl":11}"#))
        #expect(accepts(#"{"key":"k","value":[[1]]}"#))
        #expect(!accepts(#"{"key":"k","value":[[[]]]}"#))
        #expect(set(#"{"key":"k","value":1234567}"#, limits) == .valueTooLarge(limit: 6))
        #expect(set(#"{"key":"k","value":      1      }"#, limits) != .valueTooLarge(limit: 6))
        #expect(set(#"{"key":"k","value":"a",  "other":"12345678"}"#, limits) != .valueTooLarge(limit: 6))
    }

    @Test func sizeTakesPrecedenceOverFieldsButNotOverSyntax() {
        let limits = RequestLimits(maximumValueBytes: 2)
        #expect(set(#"{"key":1,"value":"long","ttl":[]}"#, limits) == .valueTooLarge(limit: 2))
        #expect(set(#"{"key":1,"value":"long","ttl":[]"#, limits) != .valueTooLarge(limit: 2))
        // Of a value that stands twice, the last counts.
        #expect(set(#"{"key":"k","value":"long","value":1}"#, limits) != .valueTooLarge(limit: 2))
    }

    @Test func limitsAreNamedInTheReport() {
        let limits = RequestLimits(maximumKeyBytes: 1, maximumTTLSeconds: 7)
        guard case .faults(let faults) = set(#"{"key":"ab","value":1,"ttl":8}"#, limits) else {
            Issue.record("accepted")
            return
        }
        #expect(
            report(faults) == #"{"detail":[{"type":"string_too_long","loc":["body","key"],"msg":"String should have at most 1 byte","input":"ab","#
                + #""ctx":{"max_length":1}},{"type":"less_than_equal","loc":["body","ttl"],"msg":"Input should be less than or equal to 7","#
                + #""input":8,"ctx":{"le":7}}]}"#
        )
    }

    /// `input` is repeated up to exactly 1024 bytes, counted as the body spells it.
    @Test(arguments: [(1024, true), (1025, false)]) func boundsTheEcho(_ length: Int, _ isEchoed: Bool) {
        let list = "[\"" + String(repeating: "x", count: length - 4) + "\"]"
        guard case .faults(let faults) = set("{\"key\":\(list),\"value\":1}") else {
            Issue.record("accepted")
            return
        }
        #expect(report(faults).contains("\"input\":\(isEchoed ? list : "null")}"))
    }

    @Test func reportsStayShort() {
        let junk = String(repeating: "y", count: 100_000)
        for body in [
            "{\"key\":[\"\(junk)\"],\"ttl\":\"\(junk)\",\"z\":\"\(junk)\"}", "[\"\(junk)\"]", "{\"\(junk)\":", "\"\(junk)\"",
            "{\"key\":\"\(junk)\",\"ttl\":\"\(junk)\"}",
        ] {
            guard case .faults(let faults) = set(body) else {
                Issue.record("accepted")
                continue
            }
            #expect(report(faults).utf8.count < 1_000)
        }
    }

    @Test func parsesInvalidations() {
        func parse(_ body: String) -> InvalidateRequest { InvalidateRequest.parse(body: ByteBuffer(string: body), limits: RequestLimits()) }
        #expect(parse(#"{"pattern":"a\u002a"}"#) == .pattern(InvalidateCommand(pattern: ByteBuffer(string: "a*"), dryRun: false)))
        #expect(parse(#"{"dry_run":"YES","pattern":"*"}"#) == .pattern(InvalidateCommand(pattern: ByteBuffer(string: "*"), dryRun: true)))
    }

    // MARK: Tags and staleness

    @Test func aValueWithTagsIsNotPlain() throws {
        guard case .success(let command) = set(#"{"key":"k","value":1,"ttl":60,"stale":"30","tags":["a","b\u0063"]}"#) else {
            throw Refused()
        }
        #expect(command.stale == 30)
        #expect(command.tags == [ByteBuffer(string: "a"), ByteBuffer(string: "bc")])
        #expect(!command.isPlain)
        guard case .success(let plain) = set(#"{"key":"k","value":1,"ttl":60,"stale":null,"tags":[]}"#) else { throw Refused() }
        #expect(plain.isPlain)
    }

    private struct Refused: Error {}

    static let refused = [
        (#""tags":"a""#, #"{"type":"list_type","loc":["body","tags"],"msg":"Input should be a valid list","input":"a"}"#),
        (
            #""tags":["a",1,""]"#,
            #"{"type":"string_type","loc":["body","tags",1],"msg":"Input should be a valid string","input":1},"#
                + #"{"type":"string_too_short","loc":["body","tags",2],"msg":"String should have at least 1 character","input":"","ctx":{"min_length":1}}"#
        ),
        (
            #""tags":["0","1","2","3","4","5","6","7","8","9","a","b","c","d","e","f","g"]"#,
            #"{"type":"too_long","loc":["body","tags"],"msg":"List should have at most 16 items after validation, not 17","#
                + #""input":["0","1","2","3","4","5","6","7","8","9","a","b","c","d","e","f","g"],"#
                + #""ctx":{"field_type":"List","max_length":16,"actual_length":17}}"#
        ),
        (
            #""stale":-1"#,
            #"{"type":"greater_than_equal","loc":["body","stale"],"msg":"Input should be greater than or equal to 0","input":-1,"ctx":{"ge":0}}"#
        ),
    ]

    @Test(arguments: refused) func faultsOfTagsAreReported(_ members: String, _ expected: String) {
        guard case .faults(let faults) = set(#"{"key":"k","value":1,"ttl":60,\#(members)}"#) else {
            Issue.record("accepted")
            return
        }
        #expect(report(faults) == #"{"detail":[\#(expected)]}"#)
    }

    @Test(arguments: [#""tags":["a"]"#, #""stale":5"#, #""tags":["a"],"ttl":0"#]) func whatEndsByItselfNeedsAnEnd(_ members: String) {
        guard case .faults(let faults) = set(#"{"key":"k","value":1,\#(members)}"#) else {
            Issue.record("accepted")
            return
        }
        #expect(report(faults).contains(#""type":"value_error","loc":["body","ttl"]"#))
    }

    @Test func theKeysOfTagsAreReserved() {
        guard case .faults(let faults) = set(#"{"key":"redis-caching-agent:tag:a","value":1}"#) else {
            Issue.record("accepted")
            return
        }
        #expect(report(faults).contains(#""type":"value_error","loc":["body","key"]"#))
        #expect(CacheKey.fault(of: ByteBuffer(string: "redis-caching-agent:tag:"), limits: RequestLimits()) != nil)
        #expect(CacheKey.fault(of: ByteBuffer(string: "redis-caching-agent:tags"), limits: RequestLimits()) == nil)
    }

    @Test func parsesInvalidationsOfTags() {
        func parse(_ body: String) -> InvalidateRequest { InvalidateRequest.parse(body: ByteBuffer(string: body), limits: RequestLimits()) }
        #expect(parse(#"{"tag":"a"}"#) == .tag(ByteBuffer(string: "a")))
        #expect(parse(#"{"tag":"a","pattern":null,"dry_run":false}"#) == .tag(ByteBuffer(string: "a")))
        for body in [#"{"tag":"a","pattern":"*"}"#, #"{"tag":"a","dry_run":true}"#, #"{"tag":""}"#, #"{"tag":1}"#] {
            guard case .faults(let faults) = parse(body) else {
                Issue.record("accepted \(body)")
                continue
            }
            #expect(faults.count == 1)
        }
    }
}
