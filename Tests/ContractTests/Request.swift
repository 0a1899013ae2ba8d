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
