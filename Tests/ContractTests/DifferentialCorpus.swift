import Access

/// What clients send, and what sits at the edge of the recogniser's grammar.
enum DifferentialCorpus {
    /// It lives for a day: were it shorter, it could be over in one program and not yet in the other.
    static let value = Request.post("/cache", #"{"key":"a","value":{"x":1},"ttl":86400}"#)

    static let plain: [String] =
        [
            Self.value, Request.get("/cache/a"), Request.get("/cache/a", ["X-Request-Id: r-1"]),
            Request.head("HEAD", "/cache/a") + "\r\n", Request.get("/cache/%61"), Request.get("/cache/a?x=1"), Request.get("/cache?key=a"),
            Request.get("/cache/a%"), Request.get("/cache?key=a%"), Request.get("/cache/a%4"), Request.get("/cache/%ff"), Request.get("/cache/%00"),
            Request.get("/cache/a/b"),
            Request.get("/cache/."), Request.get("/cache/.."), Request.get("/cache/%2e%2e"), Request.get("/cache/"), Request.get("/cache"),
            Request.get("/cache/stats2"), Request.get("/cache/invalidate"), Request.delete("/cache/stats"), Request.delete("/cache/none"),
            Request.get("/cache/" + String(repeating: "k", count: 1024)), Request.get("/cache/" + String(repeating: "k", count: 1025)),
            Request.get("/cache/" + String(repeating: "%6b", count: 1024)), Request.get("/cache/" + String(repeating: "%6b", count: 1025)),
            Request.get("/cache/a:b@c!$&'()*+,;=~-._"), Request.get("/cache/a\"b"), Request.get("/cache/a|b"), Request.get("/cache/a[b]"),
            Request.post("/cache", ""), Request.post("/cache", "{}"), Request.post("/cache", "[]"), Request.post("/cache", #"{"key":"","value":1}"#),
            Request.post("/cache", #"{"key":"a\u0000b","value":1}"#), Request.post("/cache", #"{"key":"\ud800","value":1}"#),
            Request.post("/cache", #"{"key":"a","value":1,"ttl":"86400"}"#), Request.post("/cache", #"{"key":"a","value":1,"ttl":1.5}"#),
            Request.post("/cache/", #"{"key":"a","value":1}"#), Request.post("/cache?x=1", #"{"key":"a","value":1}"#),
            Request.post("/cache", #"{"key":"é\"\\","value":"é"}"#), Request.get("/cache/%C3%A9%22%5C"),
            Request.post("/cache", #"{"key":"a","value":1} "#), Request.post("/cache", #"{"key":"a","value":1}x"#),
            Request.get("/cache/a", ["Content-Length: 0"]), Request.get("/cache/a", ["Content-Length: 2"]) + "{}",
            Request.get("/cache/a", ["X-Request-Id: one", "X-Request-Id: two"]), Request.get("/cache/a", ["X-Request-Id: b a d"]),
            Request.get("/cache/a", ["X-Empty:", "X-Tab:\tv\t", "x-lower: v", "ACCEPT: */*"]), Request.get("/cache/a", ["TE: trailers"]),
            Request.get("/cache/a", ["Connection: keep-alive"]), Request.get("/cache/a", ["Connection: Keep-Alive"]),
            Request.get("/cache/a", (0..<99).map { "X-\($0): v" }), Request.head("PUT", "/cache/a", ["Content-Length: 3"]) + "\r\nabc",
            Request.head("OPTIONS", "/cache/a") + "\r\n", Request.delete("/cache/a"), Request.delete("/cache/a", ["Content-Length: 0"]),
            Request.get("/health/live"), Request.get("/nope"),
        ] + Self.values + Self.batches

    private static let values: [String] = [
        Self.value, Request.get("/values/a"), Request.get("/values/none"),
        Request.get("/values/%61"), Request.get("/values/a/b"), Request.get("/values//a"), Request.get("/values/a//b"), Request.get("/values/"),
        Request.get("/values/."), Request.get("/values/.."), Request.get("/values/%2e%2e"), Request.get("/values/stats"), Request.get("/values/a%"),
        Request.get("/values/%ff"), Request.get("/values/a?x=1"), Request.get("/values?key=a"), Request.get("/values/a\"b"),
        Request.get("/values/" + String(repeating: "k", count: 1025)), Request.head("HEAD", "/values/a") + "\r\n", Request.get("/value/a"),
        Request.get("/vcache/a"), Request.delete("/values/none"), Request.post("/values/a", "x"), Request.head("PATCH", "/cache/a") + "\r\n",
    ]

    private static func batch(_ operations: String, _ fields: [String] = []) -> String {
        Request.post("/cache/batch", #"{"operations":[\#(operations)]}"#, fields)
    }

    private static let batches: [String] = [
        batch(""), batch(#"{"op":"get","key":"a"}"#), batch(#"{"op":"set","key":"batch","value":{"x":[1]},"ttl":86400},{"op":"get","key":"batch"}"#),
        Request.get("/cache/batch"), Request.get("/cache?key=batch"),
        batch(#"{"op":"set","key":"é\"","value": 1e400 },{"op":"get","key":"\u00e9\u0022"},{"op":"delete","key":"é\""},{"op":"get","key":"é\""}"#),
        batch((0..<1000).map { #"{"op":"set","key":"b\#($0)","value":"\#(String(repeating: "v", count: 900))"}"# }.joined(separator: ",")),
        batch((0..<1000).map { #"{"op":"get","key":"b\#($0)"}"# }.joined(separator: ",")),
        batch((0..<1001).map { #"{"op":"get","key":"b\#($0)"}"# }.joined(separator: ",")), Request.delete("/cache/batch"),
        batch(#"{"op":"put","key":"a"},{},7,{"op":"set","key":"","ttl":-1}"#), batch(#"{"op":"get","key":"a"},"#), Request.post("/cache/batch", "{}"),
        Request.post("/cache/batch", ""), Request.post("/cache/batch?x=1", #"{"operations":[]}"#),
        Request.post("/cache/batch/", #"{"operations":[]}"#),
        Request.post("/cache/%62atch", #"{"operations":[{"op":"get","key":"a"}]}"#),
        Request.head("POST", "/cache/batch", ["Content-Length: 0"]) + "\r\n",
        batch(#"{"op":"get","key":"a"}"#, ["X-Request-Id: r-1"]), batch(#"{"op":"get","key":"a"}"#, ["Cache-Control: no-cache"]),
    ]

    private static let targetsAndMethods = [
        ("GET", "/cache/a"), ("HEAD", "/cache/a"), ("GET", "/cache/none"), ("GET", "/cache?key=a"), ("DELETE", "/cache/none"),
        ("GET", "/values/a"), ("GET", "/values/none"), ("HEAD", "/values/a"),
    ]

    /// Each of the fields, and several of them, on requests for the lane and for the router.
    private static func requests(with fields: [[String]]) -> [String] {
        fields.flatMap { fields in self.targetsAndMethods.map { Request.head($0.0, $0.1, fields) + "\r\n" } }
    }

    // MARK: Conditions

    private static let date = "Tue, 15 Nov 1994 12:45:26 GMT"

    /// What a client asks of a cache or of a representation.
    static let conditions: [[String]] = [
        [#"If-None-Match: "x""#], ["If-None-Match: *"], [#"If-None-Match: W/"x", "y""#], ["If-None-Match: x"], [#"If-Match: "x""#], ["If-Match: *"],
        ["If-Modified-Since: \(date)"], ["If-Modified-Since: nonsense"], ["If-Unmodified-Since: \(date)"], ["Range: bytes=0-1"], ["Range: bytes=9-1"],
        ["Range: bytes=0-1", #"If-Range: "x""#], ["Cache-Control: no-cache"], ["Cache-Control: no-store, max-age=0"],
        ["Cache-Control: only-if-cached"],
        ["Cache-Control: no-cache", "Cache-Control: no-store"], ["Pragma: no-cache"], ["cache-control: No-Cache"], [#"Cache-Control: max-age="0""#],
        ["Cache-Control: max-age=00"], ["Cache-Control: max-age=10"], ["Cache-Control: no-store", "Cache-Control: max-age=0"],
        [#"Cache-Control: no-cache="x""#], ["Cache-Control: xno-cache"], ["Cache-Control:"], ["Cache-Control: ,\t,no-cache,"],
        [#"Cache-Control: x="a, no-cache"#], [#"Cache-Control: x="a"#, "Cache-Control: no-cache"], ["Cache-Control: max-age=-1, no-cache"],
        ["Cache-Control: max-age=0\u{e9}"], ["Pragma: no-cache", "Cache-Control: no-store"], ["Pragma: x, NO-CACHE"],
        [#"If-None-Match: "x""#, #"If-Match: "x""#, "Range: bytes=0-1"],
        ["Accept: text/html"], ["Accept-Encoding: gzip"], ["Accept-Encoding: identity;q=0"],
    ]

    static let conditionalRequests = requests(with: conditions)

    // MARK: Traces

    private static let trace = "0af7651916cd43dd8448eb211c80319c"
    private static let traceparent = "traceparent: 00-\(trace)-b7ad6b7169203331-01"
    private static let cloud = "X-Cloud-Trace-Context: 105445aa7843bc8bf206b12000100000/1;o=1"

    static let traces: [[String]] = [
        [traceparent], ["TraceParent: 00-\(trace)-b7ad6b7169203331-01"], [cloud], ["x-cloud-trace-context: 105445aa7843bc8bf206b12000100000"],
        [cloud, traceparent], [traceparent, cloud], ["X-Request-Id: mine", traceparent], [traceparent, "X-Request-Id: not usable"],
        ["traceparent: 00-\(trace)-b7ad6b7169203331-00"], ["traceparent: 00-\(trace)-b7ad6b7169203331-ff"],
        ["traceparent: 01-\(trace)-b7ad6b7169203331-01-more"], ["traceparent: ff-\(trace)-b7ad6b7169203331-01"],
        ["traceparent: 00-\(trace)-b7ad6b7169203331-01-more"], ["traceparent: 00-\(trace.uppercased())-b7ad6b7169203331-01"],
        ["traceparent: 00-00000000000000000000000000000000-b7ad6b7169203331-01"], ["traceparent: 00-\(trace)-0000000000000000-01"],
        ["traceparent: nonsense"], ["traceparent:"], ["traceparent: nonsense", cloud], ["traceparent:", cloud], ["X-Cloud-Trace-Context: nonsense"],
        ["X-Cloud-Trace-Context: 105445aa7843bc8bf206b12000100000/x"], ["X-Cloud-Trace-Context: /1;o=1"], ["X-Cloud-Trace-Context:"],
        [traceparent, traceparent], [cloud, cloud], [traceparent, traceparent, cloud], [traceparent, "tracestate: a=1,b=2"],
        ["tracestate: a=1"], [traceparent, "tracestate: a=1", "tracestate: b=2"], [traceparent, "tracestate: \(String(repeating: "x", count: 600))"],
    ]

    static let tracedRequests = requests(with: traces)

    // MARK: Origins

    static let origins: [[String]] = [
        ["Origin: https://app.example.com"], ["ORIGIN: https://app.example.com"], ["Origin: https://a.example.org"],
        ["Origin: https://a.b.example.org"],
        ["Origin: https://example.org"], ["Origin: https://evil.example.com"], ["Origin: https://app.example.com.evil"],
        ["Origin: http://app.example.com"],
        ["Origin: https://APP.example.com"], ["Origin: https://app.example.com:443"], ["Origin: https://app.example.com/"], ["Origin: null"],
        ["Origin:"], ["Origin: *"], ["Origin: https://app.example.com", "Origin: https://a.example.org"],
        ["Origin: https://app.example.com", "Origin: https://app.example.com"], ["Origin: https://app.example.com, https://a.example.org"],
    ]

    private static let preflightFields: [[String]] = [
        ["Access-Control-Request-Method: DELETE", "Access-Control-Request-Headers: x-api-key"], ["Access-Control-Request-Method: BREW"],
        ["Access-Control-Request-Method:"], [],
    ]

    static let requestsOfPages: [String] = {
        var requests = Self.requests(with: Self.origins)
        for origin in Self.origins {
            for body in [#"{"key":"page","value":1}"#, "{"] { requests.append(Request.post("/cache", body, origin)) }
            for target in ["/cache/a", "/cache", "/cache?key=a", "/cache/stats", "/health", "/nope"] {
                for fields in Self.preflightFields { requests.append(Request.head("OPTIONS", target, origin + fields) + "\r\n") }
            }
        }
        return requests
    }()

    // MARK: Credentials

    static let reader = NewAccessKey()
    static let writer = NewAccessKey()
    static let confined = NewAccessKey()
    static let administrator = NewAccessKey()
    private static let withdrawn = NewAccessKey()

    /// The settings of a program that knows these keys and these origins.
    static let guardedSettings = [
        "API_KEYS": [
            "reader sha256:\(reader.digest.hex) read", "writer sha256:\(writer.digest.hex) read,write",
            "confined sha256:\(confined.digest.hex) read,write,invalidate agent:", "administrator sha256:\(administrator.digest.hex) all",
        ].joined(separator: ";"),
        "CORS_ORIGINS": "https://app.example.com,https://*.example.org", "METRICS_ACCESS": "open",
    ]

    /// Every key in every spelling, and what is none.
    static let credentials: [[String]] = {
        var credentials: [[String]] = [[]]
        for key in [Self.reader, Self.writer, Self.confined, Self.administrator, Self.withdrawn] {
            credentials.append(["X-API-Key: \(key.secret)"])
            credentials.append(["x-api-key: \(key.secret)"])
            credentials.append(["Authorization: Bearer \(key.secret)"])
            credentials.append(["authorization: BEARER \(key.secret)"])
        }
        return credentials + Self.unusableCredentials
    }()

    private static let unusableCredentials: [[String]] = {
        let secret = Self.administrator.secret
        return [
            ["X-API-Key: wrong"], ["X-API-Key:"], ["X-API-Key: \t"], ["Authorization:"], ["Authorization: Bearer"], ["Authorization: Bearer "],
            ["Authorization: Bearer wrong"], ["Authorization: Basic d3Jvbmc="], ["Authorization: \(secret)"],
            ["Authorization: Bearer  \(secret)"], ["Authorization: Bearer\t\(secret)"],
            ["Authorization: Bearer \(secret) x"], ["X-API-Key: \(secret) "], ["X-API-Key: \(secret)x"],
            ["X-API-Key: \(secret.dropLast())"], ["X-API-Key: \(secret.uppercased())"],
            ["X-API-Key: Bearer \(secret)"], ["X-API-Key: \(secret),\(secret)"],
            ["X-API-Key: \(secret)", "Authorization: Bearer \(secret)"],
            ["X-API-Key: \(secret)", "X-API-Key: \(secret)"], ["X-API-Key: \(secret)", "X-API-Key: wrong"],
            ["Authorization: Bearer \(secret)", "Authorization: Bearer \(secret)"],
            ["X-API-Key: wrong", "Authorization: Bearer \(secret)"], ["X-API-Key:", "Authorization: Bearer \(secret)"],
            ["Authorization:", "X-API-Key: \(secret)"], ["X-API-Key: \(String(repeating: "k", count: 4000))"],
            ["X-API-Key: \u{e9}"], ["Cookie: X-API-Key=\(secret)"], ["X-API-Key2: \(secret)"],
            ["Authorization: Bearer a.b.c"], ["X-Serverless-Authorization: Bearer \(secret)"],
        ]
    }()

    /// What is asked with each of the credentials.
    static func guardedRequests(_ fields: [String]) -> [String] {
        [
            Request.post("/cache", #"{"key":"agent:1","value":1}"#, fields), Request.post("/cache", #"{"key":"other","value":1}"#, fields),
            Request.get("/cache/agent:1", fields), Request.get("/cache/other", fields), Request.head("HEAD", "/cache/agent:1", fields) + "\r\n",
            Request.get("/cache/%61gent:1", fields), Request.get("/cache/agent", fields), Request.get("/cache?key=agent:1", fields),
            Request.get("/cache?key=other", fields), Request.get("/cache/%ff", fields),
            Request.get("/cache/" + String(repeating: "k", count: 2000), fields),
            Request.post("/cache", "{", fields), Request.post("/cache", #"{"key":1,"value":1}"#, fields),
            Request.post("/cache/invalidate", #"{"pattern":"agent:*","dry_run":true}"#, fields),
            Request.post("/cache/invalidate", #"{"pattern":"*"}"#, fields), Request.get("/cache/stats", fields), Request.get("/health/live", fields),
            Request.get("/nope", fields), Request.head("PUT", "/cache/agent:1", fields) + "\r\n",
            Request.head("OPTIONS", "/cache/agent:1", fields) + "\r\n",
            Request.delete("/cache/agent:1", fields), Request.delete("/cache/other", fields), Request.delete("/cache/agent:1", fields),
        ]
    }

    // MARK: Request lines and hosts

    private static let hosts = [
        "localhost:80", "localhost:", "localhost:x", "LOCALHOST", "127.0.0.1:8080", "[::1]", "[::1]:8080", "::1", "a_b", "a.b.", "%41", "a,b", "a b",
        "u@a",
        "a/b", "", "\u{e9}", String(repeating: "h", count: 300),
    ]

    private static let targetForms = [
        "http://h/cache/a", "HTTP://h/cache/a", "https://h/cache/a", "http://other/cache/a", "http://h:80/cache/a", "http://h/cache/a?x=1",
        "http://h/cache?key=a", "http://h", "http://h?key=a", "http:///cache/a", "http://u@h/cache/a", "ftp://h/cache/a", "//h/cache/a", "cache/a",
        "*",
        "/cache/a#fragment",
    ]

    /// Other versions, forms of a target, and hosts. Each may be the last of its connection.
    static let requestLines: [String] = {
        var requests = [
            "POST /cache HTTP/1.0\r\nContent-Length: 21\r\n\r\n{\"key\":\"a\",\"value\":1}", "POST /cache HTTP/1.0\r\n\r\n",
            "get /cache/a HTTP/1.1\r\nHost: h\r\n\r\n", "GET /cache/a HTTP/1.2\r\nHost: h\r\n\r\n", "GET /cache/a\r\n\r\n",
            "GET  /cache/a HTTP/1.1\r\nHost: h\r\n\r\n", "\r\nGET /cache/a HTTP/1.1\r\nHost: h\r\n\r\n",
        ]
        for target in ["/cache/a", "/cache?key=a"] {
            for host in Self.hosts { requests.append("GET \(target) HTTP/1.1\r\nHost: \(host)\r\n\r\n") }
            for value in ["close", "Close", "keep-alive, close", "upgrade", "x", "", "close, x"] {
                requests.append(Request.get(target, ["Connection: \(value)"]))
            }
        }
        for target in ["/cache/a", "/cache/none", "/cache?key=a", "/nope", "/health/live"] {
            for method in ["GET", "HEAD", "DELETE"] {
                for fields in ["", "Host: h\r\n", "Connection: keep-alive\r\n", "Connection: close\r\n"] {
                    requests.append("\(method) \(target) HTTP/1.0\r\n\(fields)\r\n")
                }
            }
        }
        for method in ["GET", "HEAD"] {
            for target in Self.targetForms { requests.append("\(method) \(target) HTTP/1.1\r\nHost: h\r\n\r\n") }
        }
        return requests
    }()
}

/// Random requests over few keys, most of them canonical, some not.
enum GeneratedRequest {
    private static let keys = ["a", "b", "c:1", "d%20e", "%C3%A9", "f%2Fg", "h/i", "stats", "%ff", "..", "x%"]
    private static let jsonKeys = ["a", "b", "c:1", "d e", "é", "f/g", "h/i", "stats", "", #"\u0061"#]
    private static let values = ["1", "null", #""text""#, "[1, 2]", #"{"a":{"b":[]}}"#, "1e400", "nope", "\"\u{1}\"", ""]
    /// None so short that it could be over in one program and not yet in the other.
    private static let timesToLive = ["86400", "null", #""86400""#, "-1", "1.5", "86400.0", "0", "99999999999"]
    /// What a request may carry without becoming another one.
    static let plainFields = [
        "Accept: */*", "X-Request-Id: id-1", "X-Forwarded-For: 10.0.0.1", "Connection: keep-alive", "X-Request-Id: \"", "A:",
    ]

    static func make(_ random: inout some RandomNumberGenerator) -> String {
        let extra = self.pickFields(self.plainFields, &random)
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<4: return Request.get("/cache/" + self.pick(self.keys, &random), extra)
        case 4..<8:
            var members = [#""key":"\#(self.pick(self.jsonKeys, &random))""#, #""value":\#(self.pick(self.values, &random))"#]
            if Bool.random(using: &random) { members.append(#""ttl":\#(self.pick(self.timesToLive, &random))"#) }
            members.shuffle(using: &random)
            if Int.random(in: 0..<8, using: &random) == 0 { members.removeLast() }
            return Request.post("/cache", "{" + members.joined(separator: ",") + "}", extra)
        case 8: return Request.delete("/cache/" + self.pick(self.keys, &random), extra)
        default: return Request.get(self.pick(["/health/live", "/nope", "/cache?key=a", "/cache/a?b"], &random), extra)
        }
    }

    private static func pick(_ choices: [String], _ random: inout some RandomNumberGenerator) -> String {
        choices[Int.random(in: 0..<choices.count, using: &random)]
    }

    private static func pickFields(_ fields: [String], _ random: inout some RandomNumberGenerator) -> [String] {
        (0..<Int.random(in: 0...3, using: &random)).map { _ in self.pick(fields, &random) }
    }

    /// A request without a body, so that its refusal does not depend on how much of it has come.
    static func makeWithoutBody(fields: [String], _ random: inout some RandomNumberGenerator) -> String {
        let method = self.pick(["GET", "GET", "GET", "HEAD", "DELETE", "OPTIONS"], &random)
        let target = self.pick(["/cache/agent:1", "/cache/agent:2", "/cache/other", "/cache/%61gent:1", "/cache?key=other", "/nope"], &random)
        return Request.head(method, target, self.pickFields(fields, &random)) + "\r\n"
    }
}
