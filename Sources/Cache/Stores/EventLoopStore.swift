package import Logging
package import NIOCore

/// The store of one event loop, as other threads may hold it: the store itself for that loop only, its counters for all.
package struct EventLoopStore: Sendable {
    package let eventLoop: any EventLoop
    /// What operations ask.
    package let store: NIOLoopBound<any CacheStore>
    /// What every answer to a read goes through.
    package let resolver: NIOLoopBound<ValueResolver>
    /// What it has found.
    package let valueCounters: ValueCounters
    /// Those who wait for values that somebody else computes.
    let waiters: NIOLoopBound<LeaseWaiters>
    /// The part of the store that talks to Redis; nil if no Redis is configured.
    package let redis: NIOLoopBound<ClusterStore>?
    package let counters: OperationCounters
    /// The counters of the connections to Redis; nil if no Redis is configured.
    package let redisCounters: EventLoopRedisCounters?
    /// The counters of the copies of reads; nil if none are kept.
    package let nearCounters: NearCounters?
    /// What nodes of a cluster have sent elsewhere; nil if no Redis is configured.
    package let redirectCounters: RedirectCounters?

    /// A store without Redis. To be called on `eventLoop`.
    package init(_ store: any CacheStore, counters: OperationCounters, on eventLoop: any EventLoop, logger: Logger? = nil) {
        let resolver = ValueResolver(store, logger: logger)
        self.eventLoop = eventLoop
        self.store = NIOLoopBound(store, eventLoop: eventLoop)
        self.resolver = NIOLoopBound(resolver, eventLoop: eventLoop)
        self.valueCounters = resolver.counters
        self.waiters = NIOLoopBound(LeaseWaiters(resolver, on: eventLoop), eventLoop: eventLoop)
        self.redis = nil
        self.counters = counters
        self.redisCounters = nil
        self.nearCounters = nil
        self.redirectCounters = nil
    }

    /// A store of Redis. To be called on `eventLoop`.
    package init(_ store: ClusterStore, counters: OperationCounters, on eventLoop: any EventLoop, logger: Logger? = nil) {
        let resolver = ValueResolver(store, logger: logger)
        self.eventLoop = eventLoop
        self.store = NIOLoopBound(store, eventLoop: eventLoop)
        self.resolver = NIOLoopBound(resolver, eventLoop: eventLoop)
        self.valueCounters = resolver.counters
        let waiters = LeaseWaiters(resolver, on: eventLoop)
        store.observer = waiters
        self.waiters = NIOLoopBound(waiters, eventLoop: eventLoop)
        self.redis = NIOLoopBound(store, eventLoop: eventLoop)
        self.counters = counters
        self.redisCounters = store.redisCounters
        self.nearCounters = store.nearCounters
        self.redirectCounters = store.redirectCounters
    }
}
