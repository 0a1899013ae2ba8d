import Cache
import NIOCore
import RedisClient
import ServiceLifecycle

/// Keeps the connections to Redis until the server has answered its last request, and then closes them.
struct RedisLifecycle: Service {
    let loops: [EventLoopParts]
    let control: RedisControl?

    func run() async throws {
        try? await gracefulShutdown()
        for parts in self.loops {
            let cache = parts.cache
            try? await parts.eventLoop.flatSubmit { cache.value.redis?.close() ?? parts.eventLoop.makeSucceededVoidFuture() }.get()
        }
        await self.control?.shutDown()
    }
}
