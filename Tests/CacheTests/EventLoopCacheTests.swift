import MemoryStore
import NIOCore
import NIOEmbedded
import Testing

@testable import Cache
@testable import RedisClient

/// Who waits for the connection of an event loop is answered, whatever becomes of it.
@Suite struct EventLoopCacheTests {
    /// An attempt that never ends.
    private final class StallingConnector: RedisConnector {
        private let promise: EventLoopPromise<RedisLink>

        init(_ eventLoop: any EventLoop) {
            self.promise = eventLoop.makePromise()
        }

        func connect(_ configuration: RedisConfiguration, on eventLoop: any EventLoop) -> EventLoopFuture<RedisLink> { self.promise.futureResult }

        func end() { self.promise.fail(RedisFailure.cancelled) }
    }

    private let loop = EmbeddedEventLoop()
    private let connector: StallingConnector
    private let cache: EventLoopCache

    init() {
        self.connector = StallingConnector(self.loop)
        let store = MemoryStore(MemoryStoreConfiguration(maximumBytes: 1 << 22))
        let log = RecordedLog()
        let connection = RedisConnection(
            eventLoop: self.loop, configuration: RedisConfiguration(endpoint: .unixSocket(path: "/test")), logger: log.logger,
            connector: self.connector)
        self.cache = EventLoopCache(
            memory: store, redis: connection, gate: OutageGate(memory: store, settings: OutageSettings(), logger: log.logger))
    }

    private func outcome(of future: EventLoopFuture<Void>) -> () -> RedisFailure? {
        var failure: RedisFailure?
        future.assumeIsolated().whenFailure { failure = $0 as? RedisFailure }
        return { failure }
    }

    /// A stop may come at any time: the recovery waits for the connection, and the program for the recovery.
    @Test func closingEndsTheWaitForTheConnection() {
        let outcome = self.outcome(of: self.cache.connect())
        #expect(outcome() == nil)
        _ = self.cache.close()
        self.loop.run()
        #expect(outcome() == .cancelled)
        self.connector.end()
    }

    @Test func aClosedCacheIsNotConnectedAgain() {
        _ = self.cache.close()
        let outcome = self.outcome(of: self.cache.connect())
        self.loop.run()
        #expect(outcome() == .notConnected)
        self.connector.end()
    }
}
