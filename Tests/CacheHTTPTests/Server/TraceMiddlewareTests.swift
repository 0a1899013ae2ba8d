import HTTPTypes
import Hummingbird
import InMemoryTracing
import Logging
import NIOCore
import NIOEmbedded
import Telemetry
import Testing
import Tracing

@testable import CacheAPI
@testable import CacheHTTP

/// What a tracer sees if somebody installs one. It is one for the whole process, so that this suite is the only one that has it.
struct TraceMiddlewareTests {
    private static let tracer: InMemoryTracer = {
        let tracer = InMemoryTracer()
        InstrumentationSystem.bootstrap(tracer)
        return tracer
    }()

    private static let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    /// Answers through the middleware, and tells which trace the route saw.
    private func answer(_ path: String, status: HTTPResponse.Status = .ok, _ fields: HTTPFields = [:]) async throws -> TraceContext? {
        _ = Self.tracer
        let head = HTTPRequest(method: .post, scheme: nil, authority: nil, path: path, headerFields: fields)
        let request = Request(head: head, body: .init(buffer: ByteBuffer()))
        let source = ApplicationRequestContextSource(channel: EmbeddedChannel(), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let seen = SeenTrace()
        _ = try await TraceMiddleware(table: RouteTableTests.table()).handle(request, context: CacheRequestContext(source: source)) { _, _ in
            await seen.set(ServiceContext.current?.traceContext)
            return Response(status: status)
        }
        return await seen.trace
    }

    private actor SeenTrace {
        private(set) var trace: TraceContext?
        func set(_ trace: TraceContext?) { self.trace = trace }
    }

    private func spans(of path: String) -> [FinishedInMemorySpan] {
        Self.tracer.finishedSpans.filter { $0.operationName == "POST \(path)" }
    }

    @Test func theControlPlaneHasSpans() async throws {
        _ = try await self.answer("/cache/invalidate?x=1")
        let span = try #require(self.spans(of: "/cache/invalidate").last)
        #expect(span.kind == .server)
        #expect(span.attributes.get("http.request.method") == .string("POST"))
        #expect(span.attributes.get("http.route") == .string("/cache/invalidate"))
        #expect(span.attributes.get("http.response.status_code") == .int32(200) || span.attributes.get("http.response.status_code") == .int64(200))
        #expect(span.status == nil)
    }

    @Test func failuresAreMarked() async throws {
        _ = try await self.answer("/cache/stats", status: .serviceUnavailable)
        #expect(try #require(self.spans(of: "/cache/stats").last).status?.code == .error)
    }

    @Test func operationsOnAKeyHaveNone() async throws {
        let trace = try await self.answer("/cache/k", [.init("traceparent")!: Self.traceparent])
        #expect(self.spans(of: "/cache/k").isEmpty)
        #expect(trace?.traceparent == Self.traceparent, "but the trace, for the log")
    }

    @Test func withoutATraceThereIsNone() async throws {
        #expect(try await self.answer("/cache/k") == nil)
    }
}
