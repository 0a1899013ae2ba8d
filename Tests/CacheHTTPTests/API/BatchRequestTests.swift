import Cache
import NIOCore
import Testing

@testable import CacheAPI

/// What bodies of `POST /cache/batch` amount to.
@Suite struct BatchRequestTests {
    private func parse(_ body: String, _ limits: RequestLimits = RequestLimits()) -> BatchRequest {
        BatchRequest.parse(body: ByteBuffer(string: body), limits: limits)
    }

    private func operations(_ list: String, _ limits: RequestLimits = RequestLimits()) -> BatchRequest {
        self.parse(#"{"operations":[\#(list)]}"#, limits)
    }

    /// The faults as `type loc`, or how else the body was judged.
    private func faults(_ request: BatchRequest) -> [String] {
        guard case .faults(let faults) = request else { return ["\(request)"] }
        return faults.map { fault in
            switch fault.location {
            case .operation(let index, let name): "\(fault.kind.type) \(index) \(name ?? "-")"
            case .field(let name): "\(fault.kind.type) \(name)"
            default: "\(fault.kind.type) \(fault.location)"
            }
        }
    }

    private func report(_ request: BatchRequest) -> String {
        guard case .faults(let faults) = request else { return "\(request)" }
        var buffer = ByteBuffer()
        writeFaults(faults, into: &buffer)
        return String(buffer: buffer)
    }

    @Test func readsEveryOperationInOrder() {
        let request = operations(
            #"{"op":"get","key":"a"}, {"key":"b\/\u00e9","value": [ 1 ,2],"op":"set","ttl":"60"},{"op":"delete","key":"a"} ,{"op":"set","key":"c","value":null}"#
        )
        #expect(
            request
                == .success([
                    BatchOperation(.get, key: ByteBuffer(string: "a")),
                    BatchOperation(.set(value: ByteBuffer(string: "[ 1 ,2]"), ttlSeconds: 60), key: ByteBuffer(string: "b/é")),
                    BatchOperation(.delete, key: ByteBuffer(string: "a")),
                    BatchOperation(.set(value: ByteBuffer(string: "null"), ttlSeconds: nil), key: ByteBuffer(string: "c")),
                ]))
    }

    @Test func aGetMayWantTheEntityTag() {
        let wanted = BatchOperation(.get, key: ByteBuffer(string: "a"), wantsEntityTag: true)
        #expect(
            operations(#"{"op":"get","key":"a","etag":true},{"op":"get","key":"a","etag":false}"#)
                == .success([
                    wanted, BatchOperation(.get, key: ByteBuffer(string: "a")),
                ]))
        #expect(faults(operations(#"{"op":"get","key":"a","etag":2},{"op":"delete","key":"a","etag":2}"#)) == ["bool_parsing 0 etag"])
    }

    @Test(arguments: [#"{"operations":[]}"#, #" { "x" : [ { } ] , "operations" : [ ] } "#]) func aBatchMayBeEmpty(_ body: String) {
        #expect(parse(body) == .success([]))
    }

    @Test func ofAMemberThatStandsTwiceTheLastCounts() {
        let get = BatchRequest.success([BatchOperation(.get, key: ByteBuffer(string: "b"))])
        #expect(operations(#"{"op":"x","key":1,"op":"get","key":"b","operations":7}"#) == get)
        #expect(parse(#"{"operations":1,"operations":[{"op":"get","key":"b"}]}"#) == get)
        #expect(parse(#"{"\u006fperations":[{"\u006fp":"\u0067et","k\u0065y":"b"}]}"#) == get, "names may be spelled with escapes")
        #expect(operations(#"{"op":"get","key":"b","value":[{"op":"set","key":"c"}],"ttl":[]}"#) == get, "a read has no other members")
    }

    @Test func aNewTimeToLive() {
        let touch = { (ttl: Int64?) in BatchRequest.success([BatchOperation(.expire(ttlSeconds: ttl), key: ByteBuffer(string: "a"))]) }
        #expect(operations(#"{"op":"touch","key":"a","ttl":60}"#) == touch(60))
        #expect(operations(#"{"op":"touch","key":"a","ttl":0,"value":1}"#) == touch(nil))
        #expect(faults(operations(#"{"op":"touch","key":"a"}"#)) == ["missing 0 ttl"])
        #expect(faults(operations(#"{"op":"touch","key":"a","ttl":null}"#)) == ["int_type 0 ttl"])
    }

    @Test func allFaultsAreReportedByOperationThenField() {
        let request = operations(
            #"{"op":"get","key":"a"},{},{"op":"put","key":""},7,{"op":"set","ttl":-1},{"op":"set","key":5,"value":1,"ttl":1.5},{"op":null,"key":"a"}"#
        )
        #expect(
            faults(request) == [
                "missing 1 op", "missing 1 key", "literal_error 2 op", "string_too_short 2 key", "model_attributes_type 3 -", "missing 4 key",
                "missing 4 value", "greater_than_equal 4 ttl", "string_type 5 key", "int_from_float 5 ttl", "literal_error 6 op",
            ])
    }

    @Test func faultsHavePydanticsShape() {
        #expect(
            report(operations(#"{"op":"get"},{"op":"put","key":"a"}"#))
                == #"{"detail":[{"type":"missing","loc":["body","operations",0,"key"],"msg":"Field required","input":{"op":"get"}},"#
                + #"{"type":"literal_error","loc":["body","operations",1,"op"],"msg":"Input should be 'get', 'set', 'delete' or 'touch'","input":"put","#
                + #""ctx":{"expected":"'get', 'set', 'delete' or 'touch'"}}]}"#)
        #expect(
            report(operations("7"))
                == #"{"detail":[{"type":"model_attributes_type","loc":["body","operations",0],"#
                + #""msg":"Input should be a valid dictionary or object to extract fields from","input":7}]}"#)
        #expect(
            report(parse(#"{"operations":{}}"#))
                == #"{"detail":[{"type":"list_type","loc":["body","operations"],"msg":"Input should be a valid list","input":{}}]}"#)
        #expect(faults(parse(#"{"operation":[]}"#)) == ["missing operations"])
        #expect(faults(parse(#"{"operations":null}"#)) == ["list_type operations"])
        #expect(faults(parse("")) == ["missing body"])
        #expect(faults(parse("[]")) == ["model_attributes_type body"])
        #expect(faults(parse(#"{"operations":[{"op":"get","key":"a"}"#)) == ["json_invalid offset(37)"])
    }

    @Test func aBatchHasABoundOfOperations() {
        var limits = RequestLimits()
        limits.maximumBatchOperations = 2
        let get = #"{"op":"get","key":"a"}"#
        guard case .success(let operations) = operations("\(get),\(get)", limits) else { return _ = Issue.record("refused at the bound") }
        #expect(operations.count == 2)
        #expect(
            report(self.operations("1,{},3", limits))
                == #"{"detail":[{"type":"too_long","loc":["body","operations"],"msg":"List should have at most 2 items after validation, not 3","#
                + #""input":[1,{},3],"ctx":{"field_type":"List","max_length":2,"actual_length":3}}]}"#)
    }

    @Test func aValueTooLargeTakesPrecedenceOverFields() {
        let limits = RequestLimits(maximumValueBytes: 2)
        #expect(operations(#"{},{"op":"set","key":"a","value":123}"#, limits) == .valueTooLarge(limit: 2))
        #expect(operations(#"{"op":"get","key":"a","value":123}"#, limits) != .valueTooLarge(limit: 2), "only what is to be stored counts")
    }

    /// A value is refused here if and only if it is when it is stored by itself.
    @Test func valuesMayBeNestedAsDeeplyAsByThemselves() {
        let limits = RequestLimits(maximumJSONDepth: 4)
        for depth in 1...5 {
            let value = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
            var isAccepted: (single: Bool, batch: Bool) = (false, false)
            if case .success = SetRequest.parse(body: ByteBuffer(string: #"{"key":"k","value":\#(value)}"#), limits: limits) {
                isAccepted.single = true
            }
            if case .success = operations(#"{"op":"set","key":"k","value":\#(value)}"#, limits) { isAccepted.batch = true }
            #expect(isAccepted.single == isAccepted.batch, "\(depth)")
        }
    }

    // MARK: Against the single call

    private static let keys = [nil, #""k""#, #""""#, #""\u00e9\n""#, "7", #""\ud800""#, #""toolong""#]
    private static let values = [nil, "null", "1e400", #"{"key":"x","value":2,"ttl":3}"#, #"[[],{"ttl":1}]"#, #""é\u0041""#, " 1 "]
    private static let timesToLive = [nil, "null", "0", "60", "60.0", #""60""#, "true", "-5", "1.5", "[]", #""x""#, "99999999999999"]

    /// A set in a batch is judged as by itself, whatever its members and wherever it stands.
    @Test func aSetIsJudgedAsByItself() {
        let limits = RequestLimits(maximumKeyBytes: 5)
        for key in Self.keys {
            for value in Self.values {
                for ttl in Self.timesToLive {
                    let members = [("key", key), ("value", value), ("ttl", ttl)].compactMap { name, text in text.map { #""\#(name)":\#($0)"# } }
                    let object = "{" + ([#""op":"set""#] + members).joined(separator: ",") + "}"
                    let single = SetRequest.parse(body: ByteBuffer(string: object), limits: limits)
                    let batch = operations(#"{"op":"get","key":"a"},\#(object),{"op":"delete","key":"b"}"#, limits)
                    self.compare(single, batch, object)
                }
            }
        }
    }

    /// The same of what a value may have besides its time to live.
    @Test func tagsAndStalenessAreJudgedAsByThemselves() {
        let many = "[" + (0...16).map { #""t\#($0)""# }.joined(separator: ",") + "]"
        for ttl in [nil, "0", "60", "x"] {
            for stale in [nil, "null", "0", "30", "-1", "[]"] {
                for tags in [nil, "null", "[]", #"["a","b"]"#, #"["a",5,"","123456"]"#, "7", many] {
                    let members = [("ttl", ttl == "x" ? #""x""# : ttl), ("stale", stale), ("tags", tags)]
                        .compactMap { name, text in text.map { #","\#(name)":\#($0)"# } }
                    let object = #"{"op":"set","key":"k","value":1"# + members.joined() + "}"
                    let limits = RequestLimits(maximumKeyBytes: 5)
                    let single = SetRequest.parse(body: ByteBuffer(string: object), limits: limits)
                    self.compare(single, operations(#"{"op":"get","key":"a"},\#(object),{"op":"delete","key":"b"}"#, limits), object)
                }
            }
        }
        #expect(
            report(operations(#"{"op":"set","key":"k","value":1,"ttl":60,"tags":["a",""]}"#)).contains(
                #""loc":["body","operations",0,"tags",1]"#))
    }

    private func compare(_ single: SetRequest, _ batch: BatchRequest, _ object: String) {
        switch (single, batch) {
        case (.success(let command), .success(let operations)):
            #expect(operations.count == 3)
            let expected = BatchOperation(
                .set(value: command.value, ttlSeconds: command.ttl), key: command.key, staleSeconds: command.stale, tags: command.tags)
            #expect(operations[1] == expected, "\(object)")
        case (.faults(let one), .faults(let many)):
            let moved = one.map { fault in
                switch fault.location {
                case .field(let name): ValidationFault(fault.kind, at: .operation(1, name), input: fault.input)
                case .item(let name, let index): ValidationFault(fault.kind, at: .operationItem(1, name, index), input: fault.input)
                default: fault
                }
            }
            #expect(many == moved, "\(object)")
        default:
            Issue.record("\(single) is not \(batch): \(object)")
        }
    }
}
