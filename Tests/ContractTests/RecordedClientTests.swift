import TestSupport
import Testing

/// Requests as real clients send them take the fast lane: their bytes, recorded from a socket.
@Suite(.timeLimit(.minutes(5))) struct RecordedClientTests {
    struct Recording: CustomTestStringConvertible, Sendable {
        let client: String
        let bytes: String
        var testDescription: String { self.client }
    }

    private static func lines(_ lines: String...) -> String { lines.joined(separator: "\r\n") }

    static let recordings: [Recording] = [
        Recording(
            client: "curl 7.88 GET",
            bytes: lines("GET /cache/agent:1 HTTP/1.1", "Host: 127.0.0.1:8080", "User-Agent: curl/7.88.1", "Accept: */*", "", "")),
        Recording(
            client: "curl 7.88 POST",
            bytes: lines(
                "POST /cache HTTP/1.1", "Host: 127.0.0.1:8080", "User-Agent: curl/7.88.1", "Accept: */*", "Content-Type: application/json",
                "Content-Length: 47", "", #"{"key":"agent:1","value":{"name":"x"},"ttl":60}"#)),
        Recording(
            client: "httpx 0.27 GET",
            bytes: lines(
                "GET /cache/agent:1 HTTP/1.1", "Host: 127.0.0.1:8080", "Accept: */*", "Accept-Encoding: gzip, deflate", "Connection: keep-alive",
                "User-Agent: python-httpx/0.27.2", "", "")),
        Recording(
            client: "httpx 0.27 POST",
            bytes: lines(
                "POST /cache HTTP/1.1", "Host: 127.0.0.1:8080", "Accept: */*", "Accept-Encoding: gzip, deflate", "Connection: keep-alive",
                "User-Agent: python-httpx/0.27.2", "Content-Length: 53", "Content-Type: application/json", "",
                #"{"key": "agent:1", "value": {"name": "x"}, "ttl": 60}"#)),
        Recording(
            client: "requests 2.34 DELETE",
            bytes: lines(
                "DELETE /cache/agent:1 HTTP/1.1", "Host: 127.0.0.1:8080", "User-Agent: python-requests/2.34.2", "Accept-Encoding: gzip, deflate",
                "Accept: */*", "Connection: keep-alive", "Content-Length: 0", "", "")),
        Recording(
            client: "Go net/http GET",
            bytes: lines(
                "GET /cache/agent:1 HTTP/1.1", "Host: 127.0.0.1:8080", "User-Agent: Go-http-client/1.1", "Accept-Encoding: gzip", "", "")),
        Recording(
            client: "Node fetch GET",
            bytes: lines(
                "GET /cache/agent:1 HTTP/1.1", "host: 127.0.0.1:8080", "connection: keep-alive", "accept: */*", "accept-language: *",
                "sec-fetch-mode: cors", "user-agent: node", "accept-encoding: gzip, deflate", "", "")),
        Recording(
            client: "Node fetch POST",
            bytes: lines(
                "POST /cache HTTP/1.1", "host: 127.0.0.1:8080", "connection: keep-alive", "content-type: application/json", "accept: */*",
                "accept-language: *", "sec-fetch-mode: cors", "user-agent: node", "accept-encoding: gzip, deflate", "content-length: 47", "",
                #"{"key":"agent:1","value":{"name":"x"},"ttl":60}"#)),
        Recording(
            client: "Node http with encodeURIComponent",
            bytes: lines("GET /cache/agent%3A1 HTTP/1.1", "Host: 127.0.0.1:8080", "Connection: keep-alive", "", "")),
        Recording(
            client: "behind a proxy with forwarding and trace fields",
            bytes: lines(
                "GET /cache/agent:1 HTTP/1.1", "Host: cache-agent-abc123-uc.a.run.app", "User-Agent: Go-http-client/2.0", "Accept: */*",
                "Accept-Encoding: gzip, deflate, br", "X-Forwarded-For: 203.0.113.7,169.254.1.1", "X-Forwarded-Proto: https",
                "Forwarded: for=\"203.0.113.7\";proto=https", "X-Cloud-Trace-Context: 105445aa7843bc8bf206b12000100000/1;o=1",
                "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "X-Request-Id: 8f14e45f-ceea-467f-a9a5-3f2a1b4c5d6e", "", "")),
    ]

    @Test(arguments: recordings) func takesTheLane(_ recording: Recording) async throws {
        try await AgentProcess.with { agent in
            let answer = try await agent.ask(recording.bytes)
            #expect([200, 404].contains(answer.status))
            let metrics = try await agent.ask(Request.get("/metrics"))
            #expect(metrics.text.contains("\ncacheagent_http_requests_total{handler=\"fast_lane\",code=\"\(answer.status)\"} 1\n"))
        }
    }

    @Test func withTheLaneOffNothingTakesIt() async throws {
        try await AgentProcess.with(["FAST_LANE": "off"]) { agent in
            let answer = try await agent.ask(Self.recordings[0].bytes)
            #expect(answer.status == 404)
            let metrics = try await agent.ask(Request.get("/metrics"))
            #expect(metrics.text.contains("\ncacheagent_http_requests_total{handler=\"fast_lane\",code=\"200\"} 0\n"))
        }
    }
}
