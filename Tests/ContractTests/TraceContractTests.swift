import TestSupport
import Testing

/// The id of a request's trace in its answer, by both ways to answer.
@Suite(.timeLimit(.minutes(5))) struct TraceContractTests {
    private static let trace = "0af7651916cd43dd8448eb211c80319c"
    private static let other = "105445aa7843bc8bf206b12000100000"
    private static let traceparent = "traceparent: 00-\(trace)-b7ad6b7169203331-01"
    private static let cloud = "X-Cloud-Trace-Context: \(other)/1;o=1"

    private static let cases: [(fields: [String], id: String?)] = [
        ([traceparent], trace), ([cloud], other), ([cloud, traceparent], trace), (["X-Request-Id: mine", traceparent], "mine"),
        (["traceparent: 00-\(trace)-b7ad6b7169203331-00"], trace), (["traceparent: nonsense", cloud], other), (["traceparent: nonsense"], nil),
        ([traceparent, traceparent], nil), ([cloud, cloud], nil), ([traceparent, traceparent, cloud], other),
        (["X-Request-Id: not usable", traceparent], trace), (["traceparent: 00-\(trace.uppercased())-b7ad6b7169203331-01"], nil),
    ]

    @Test(arguments: ["/cache/k", "/cache?key=k", "/health/live"]) func theAnswerNamesIt(_ target: String) async throws {
        try await AgentProcess.with { agent in
            for (fields, id) in Self.cases {
                let answer = try await agent.ask(Request.get(target, fields))
                let received = try #require(answer["x-request-id"])
                if let id {
                    #expect(received == id, "\(fields)")
                } else {
                    #expect(received.count == 32 && received != Self.trace && received != Self.other, "\(fields)")
                }
            }
        }
    }
}
