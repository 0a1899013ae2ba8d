/// Random requests over few keys, most of them canonical, some not.
enum GeneratedRequest {
    private static let keys = ["a", "b", "c:1", "d%20e", "%C3%A9", "f%2Fg", "h/i", "stats", "%ff", "..", "x%"]
    private static let jsonKeys = ["a", "b", "c:1", "d e", "é", "f/g", "h/i", "stats", "", #"\u0061"#]
    private static let values = ["1", "null", #""text""#, "[1, 2]", #"{"a":{"b":[]}}"#, "1e400", "nope", "\"\u{1}\"", ""]
    /// None so short that it could be over in one program and not yet in the other.
    private static let timesToLive = ["100", "null", #""60""#, "-1", "1.5", "100.0", "0", "99999999999"]
    private static let fields = [
        "Accept: */*", "X-Request-Id: id-1", "X-Forwarded-For: 10.0.0.1", "Connection: keep-alive", "X-Request-Id: \"", "A:",
    ]

    static func make(_ random: inout some RandomNumberGenerator) -> String {
        let extra = (0..<Int.random(in: 0...3, using: &random)).map { _ in self.pick(self.fields, &random) }
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
}
