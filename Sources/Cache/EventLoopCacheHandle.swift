package import NIOCore
package import RedisClient

/// One event loop's cache, as other threads may hold it: the cache itself for that loop only, its counters for all.
package struct EventLoopCacheHandle: Sendable {
    package let eventLoop: any EventLoop
    package let cache: NIOLoopBound<EventLoopCache>
    package let counters: OperationCounters
    /// nil on the embedded store by choice.
    package let redisCounters: RedisCounters?

    /// To be called on `eventLoop`.
    package init(_ cache: EventLoopCache, on eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        self.cache = NIOLoopBound(cache, eventLoop: eventLoop)
        self.counters = cache.counters
        self.redisCounters = cache.redisCounters
    }
}
