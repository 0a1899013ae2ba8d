import Access
import Cache
import CacheTestSupport
import HTTPTypes
import Hummingbird
import Logging
import MemoryStore
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import CacheAPI
@testable import CacheHTTP
@testable import HTTPWire

/// What the routes of the cache ask the store of the connection's event loop.
@Suite struct CacheRoutesTests {
    private let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    private let asked = Asked()

    private final class Asked: Sendable {
        let operations = Mutex<[FakeStore.Operation]>([])
    }

    /// The routes over a store that has nothing.
    private func routes() async throws -> CacheRoutes {
        let (eventLoop, asked) = (self.eventLoop, self.asked)
        let entry = try await eventLoop.submit {
            let store = FakeStore()
            store.answerAtOnce = { operation in
                asked.operations.withLock { $0.append(operation) }
                return .miss(.redis)
            }
            return EventLoopStore(store, counters: OperationCounters(), on: eventLoop)
        }.get()
        let memory = MemoryStore(MemoryStoreConfiguration(maximumBytes: 1 << 22))
        let gate = OutageGate(memory: memory, settings: OutageSettings(), logger: self.logger)
        let settings = HTTPSettings()
        let counters = HTTPCounters()
        return CacheRoutes(
            service: CacheService(
                memory: memory, redis: (FakeControlConnection(), gate), eventLoops: [entry], isRecording: true, logger: self.logger),
            settings: settings, table: RouteTableTests.table(),
            responder: AnswerResponder(
                counters: OperationCounters(), httpCounters: counters, accessLog: nil, limiter: Limiter(settings.serviceLimits), variesByOrigin: false
            ),
            httpCounters: HTTPCounterSet(eventLoops: [], router: counters))
    }

    /// Sends a request, and returns what the store was asked.
    private func operations(_ method: HTTPRequest.Method, _ path: String, _ fields: HTTPFields) async throws -> [FakeStore.Operation] {
        let routes = try await self.routes()
        // Stands for the connection, whose event loop is all that matters here.
        let channel = try await DatagramBootstrap(group: self.eventLoop).bind(host: "127.0.0.1", port: 0).get()
        var context = CacheRequestContext(source: ApplicationRequestContextSource(channel: channel, logger: self.logger))
        context.parsed = ParsedRequest(fields)
        context.caller = .anybody
        let head = HTTPRequest(method: method, scheme: nil, authority: nil, path: path, headerFields: fields)
        let request = Request(head: head, body: .init(buffer: ByteBuffer()))
        let isBelow = path.hasPrefix("/cache/")
        let response = try await isBelow ? routes.respondBelow(request, context) : routes.respond(.get(.query), .read, request, context)
        #expect(response.status == .notFound)
        try await channel.close()
        return self.asked.operations.withLock { $0 }
    }

    @Test(arguments: [HTTPRequest.Method.get, .head], ["/cache/k", "/cache?key=k"])
    func redisIsAskedIfTheClientWantsThat(_ method: HTTPRequest.Method, _ path: String) async throws {
        #expect(try await self.operations(method, path, [.cacheControl: "no-store, max-age=\"0\""]) == ["GET k, no copy"])
    }

    @Test(arguments: [HTTPRequest.Method.get, .head], ["/cache/k", "/cache?key=k"])
    func copiesWillDoOtherwise(_ method: HTTPRequest.Method, _ path: String) async throws {
        #expect(try await self.operations(method, path, [.cacheControl: "max-age=10"]) == ["GET k"])
    }
}
