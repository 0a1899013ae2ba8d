import Access
import TestSupport

/// What a client of leases sends and gets.
extension AgentProcess {
    /// - Parameters:
    ///   - wait: in milliseconds.
    ///   - token: of the lease that is to be renewed.
    func lease(_ key: String, seconds: Int = 10, wait: Int = 0, token: String? = nil) async throws -> WireResponse {
        let target = "/cache/\(key)?lease=\(seconds)" + (wait > 0 ? "&wait=\(wait)" : "")
        return try await self.ask(Request.get(target, token.map { ["Cache-Lease: \($0)"] } ?? []))
    }

    /// The token of a lease that must be free.
    func takeLease(_ key: String, seconds: Int = 10) async throws -> String {
        let answer = try await self.lease(key, seconds: seconds)
        guard let token = answer.leaseToken else { throw TestProcessError(reason: "\(key) gets no lease: \(answer.statusLine) \(answer.fields)") }
        return token
    }

    func fill(_ key: String, _ token: String, value: String = "1", members: String = #","ttl":60"#) async throws -> WireResponse {
        try await self.ask(Request.post("/cache", #"{"key":"\#(key)","value":\#(value)\#(members)}"#, ["Cache-Lease: \(token)"]))
    }

    func giveUp(_ key: String, _ token: String) async throws -> WireResponse {
        try await self.ask(Request.delete("/cache/\(key)", ["Cache-Lease: \(token)"]))
    }

    func store(_ key: String, _ value: String = "1", members: String = #","ttl":60"#) async throws -> WireResponse {
        try await self.ask(Request.post("/cache", #"{"key":"\#(key)","value":\#(value)\#(members)}"#))
    }

    func invalidate(tag: String) async throws -> WireResponse {
        try await self.ask(Request.post("/cache/invalidate", #"{"tag":"\#(tag)"}"#))
    }
}

extension WireResponse {
    /// The token of the lease that the client was given.
    var leaseToken: String? { self["cache-lease"].flatMap { $0 == "held" ? nil : $0 } }

    var isHeld: Bool { self["cache-lease"] == "held" }
}

/// The program with one API key.
enum AccessFixture {
    /// - Parameter body: gets the program and the header field with the key.
    static func withAgent(scopes: String, prefix: String = "", _ body: (AgentProcess, String) async throws -> Void) async throws {
        let key = NewAccessKey()
        let line = "key sha256:\(key.digest.hex) \(scopes) \(prefix)"
        try await AgentProcess.with(["API_KEYS": line]) { agent in try await body(agent, "X-API-Key: \(key.secret)") }
    }
}
