import TestSupport

/// Requests as text, for tests that care about what is in them and not about how they are written.
enum Request {
    static func get(_ target: String, _ fields: [String] = []) -> String { self.head("GET", target, fields) + "\r\n" }

    static func delete(_ target: String, _ fields: [String] = []) -> String { self.head("DELETE", target, fields) + "\r\n" }

    static func post(_ target: String, _ body: String, _ fields: [String] = []) -> String {
        self.head("POST", target, ["Content-Type: application/json", "Content-Length: \(body.utf8.count)"] + fields) + "\r\n" + body
    }

    static func head(_ method: String, _ target: String, _ fields: [String] = []) -> String {
        (["\(method) \(target) HTTP/1.1", "Host: localhost"] + fields).joined(separator: "\r\n") + "\r\n"
    }
}

extension AgentProcess {
    /// Opens a connection for one request and reads its answer.
    func ask(_ request: String) async throws -> WireResponse {
        try await WireClient.exchange(port: self.port, request)
    }

    func set(_ key: String, _ value: Int, ttl: Int? = nil) async throws -> WireResponse {
        let member = ttl.map { ",\"ttl\":\($0)" } ?? ""
        return try await self.ask(Request.post("/cache", "{\"key\":\"\(key)\",\"value\":\(value)\(member)}"))
    }

    /// The key's number as text, or the status of an answer that is no hit.
    func get(_ key: String) async throws -> String {
        let answer = try await self.ask(Request.get("/cache/\(key)"))
        guard answer.status == 200 else { return "\(answer.status)" }
        return String(answer.text.dropLast().split(separator: ":").last ?? "")
    }

    /// Waits until the report on health contains the text.
    @discardableResult
    func waitForHealth(_ text: String, fileID: String = #fileID, line: Int = #line) async throws -> WireResponse {
        try await eventually("\(text) in /health", fileID: fileID, line: line) {
            try await self.ask(Request.get("/health"))
        } until: { health in
            health.text.contains(text)
        }
    }

    /// The value of a sample of the metrics, by its whole name and labels.
    func metric(_ sample: String) async throws -> Double {
        let answer = try await self.ask(Request.get("/metrics"))
        guard let value = answer.metric(sample) else { throw TestProcessError(reason: "\(sample) is not among the metrics: \(answer.statusLine)") }
        return value
    }

    /// Waits until a sample of the metrics is as it should be.
    func waitForMetric(
        _ sample: String, fileID: String = #fileID, line: Int = #line, _ isExpected: (Double) -> Bool
    ) async throws {
        var last = -1.0
        try await eventually("another \(sample)", fileID: fileID, line: line) {
            last = try await self.metric(sample)
            return isExpected(last)
        }
    }

    /// Waits until the program has logged the text, and does meanwhile what the body does.
    func waitForLog(_ text: String, fileID: String = #fileID, line: Int = #line, _ body: () async throws -> Void = {}) async throws {
        try await eventually("\(text) in the log", fileID: fileID, line: line) {
            try await body()
            return self.logged.contains(text)
        }
    }
}

extension WireResponse {
    /// The value of a sample in the text of the metrics, by its whole name and labels; nil if it is not there.
    func metric(_ sample: String) -> Double? {
        self.text.split(separator: "\n").first { $0.hasPrefix(sample + " ") }.flatMap { Double($0.dropFirst(sample.utf8.count + 1)) }
    }
}
