import Cache
import NIOCore
import Testing

@testable import CacheAPI

/// What a PUT says of its bytes, and what is stored of them.
@Suite struct PutRequestTests {
    private func outcome(_ body: String, _ fields: PutRequest.Fields, limits: RequestLimits = RequestLimits()) -> String {
        switch PutRequest.parse(fields, body: ByteBuffer(string: body), limits: limits) {
        case .valueTooLarge: return "too large"
        case .faults(let faults):
            return faults.map { fault in
                let place =
                    switch fault.location {
                    case .query(let name), .header(let name): name
                    case .offset(let offset): "\(offset)"
                    default: "body"
                    }
                return "\(place) \(fault.kind.type)"
            }.joined(separator: "; ")
        case .success(let command):
            let ttl = command.ttlSeconds.map { " for \($0)" } ?? ""
            switch StoredValue(command.stored) {
            case .plain(let value): return "plain \(String(buffer: value.buffer))\(ttl)"
            case .unreadable: return "unreadable"
            case .enveloped(let value):
                let coding = value.envelope.contentEncoding.map { " in \(String(buffer: $0))" } ?? ""
                return "\(value.envelope.mediaType.map { String(buffer: $0) } ?? "no type")\(coding): \(String(buffer: value.payload.buffer))\(ttl)"
            }
        }
    }

    private func type(_ lines: String..., body: String = "x") -> String { self.outcome(body, .init(contentType: lines)) }

    @Test func mediaTypes() {
        #expect(self.outcome("x", .init()) == "application/octet-stream: x")
        #expect(self.outcome("", .init()) == "application/octet-stream: ")
        for type in ["text/plain", "a/b;c=d", "a/b; c=d ;e=\"f g\\\"\"", "a/b;", "a/b ; ; c=d", "image/svg+xml", "APPLICATION/XML"] {
            #expect(self.type(type) == "\(type): x")
        }
        let malformed = [
            "", "text", "text/", "/plain", "text /plain", "text/plain x", "a/b;c", "a/b;c=", "a/b;c=\"", "a/b;c=\"\\", "a/b;c=d e", "a/b,c/d",
            "a/b\t",
            "a/b;c=\"\u{e9}\"", "a/" + String(repeating: "b", count: 254),
        ]
        for type in malformed { #expect(self.type(type) == "content-type string_pattern_mismatch", "\(type)") }
        #expect(self.type("text/plain", "text/html") == "content-type string_pattern_mismatch")
        #expect(self.type("a/" + String(repeating: "b", count: 253)).hasPrefix("a/bbb"))
    }

    /// JSON is stored as it is, so that everybody reads it.
    @Test func json() {
        for type in ["application/json", "Application/JSON", "application/json; charset=utf-8"] {
            #expect(self.type(type, body: " {\"a\": 1}\n") == "plain  {\"a\": 1}\n")
            #expect(self.type(type, body: "{") == "1 json_invalid")
            #expect(self.type(type, body: "") == "0 json_invalid")
        }
        #expect(self.type("application/json-seq", body: "{") == "application/json-seq: {")
        #expect(self.type("application/problem+json", body: "{}") == "application/problem+json: {}")
    }

    @Test func codings() {
        func coding(_ lines: String..., type: String = "text/plain") -> String {
            self.outcome("x", .init(contentType: [type], contentEncoding: lines))
        }
        #expect(coding("identity") == "text/plain: x" && coding("") == "text/plain: x" && coding(" , ") == "text/plain: x")
        #expect(coding("gzip") == "text/plain in gzip: x" && coding("gzip", "br") == "text/plain in gzip, br: x")
        #expect(coding("gzip ,Identity,br") == "text/plain in gzip, br: x")
        #expect(coding("gzip", type: "application/json") == "application/json in gzip: x", "nobody looks into it")
        for coding in ["g zip;", "\"gzip\"", "\u{e9}", String(repeating: "g", count: 65)] {
            let outcome = self.outcome("x", .init(contentEncoding: [coding]))
            #expect(outcome == "content-encoding string_pattern_mismatch")
        }
    }

    @Test func timeToLive() {
        func ttl(_ text: String) -> String { self.outcome("x", .init(ttl: .value(ByteBuffer(string: text)), cacheControl: ["max-age=5"])) }
        let stored = "application/octet-stream: x"
        #expect(ttl("60") == "\(stored) for 60" && ttl("0") == stored && ttl("+1") == "\(stored) for 1")
        #expect(ttl("") == "ttl int_parsing" && ttl("1.5") == "ttl int_parsing" && ttl("x") == "ttl int_parsing")
        #expect(ttl("-1") == "ttl greater_than_equal" && ttl("315360001") == "ttl less_than_equal")
        #expect(ttl("99999999999999999999") == "ttl less_than_equal")
        #expect(self.outcome("x", .init(ttl: .incompleteEscape)) == "ttl int_parsing")
        func age(_ lines: String...) -> String { self.outcome("x", .init(cacheControl: lines)) }
        #expect(age("max-age=60") == "\(stored) for 60" && age("no-store", "private, MAX-AGE=\"60\"") == "\(stored) for 60")
        #expect(age("no-cache") == stored && age("max-age") == stored && age("max-age=x") == stored && age("s-maxage=9") == stored)
        #expect(age("max-age=0") == "cache-control greater_than_equal" && age("max-age=315360001") == "cache-control less_than_equal")
    }

    @Test func allFaultsAtOnce() {
        let fields = PutRequest.Fields(ttl: .value(ByteBuffer(string: "x")), contentType: ["text"], contentEncoding: ["a b;"])
        #expect(self.outcome("x", fields) == "ttl int_parsing; content-type string_pattern_mismatch; content-encoding string_pattern_mismatch")
        let limits = RequestLimits(maximumValueBytes: 3)
        #expect(self.outcome("xyz", .init(), limits: limits).hasSuffix("xyz") && self.outcome("xyzz", .init(), limits: limits) == "too large")
    }
}
