import Access
import Hummingbird
import Logging
import NIOCore

/// What the router knows of a request besides the request.
struct CacheRequestContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// The event loop of the connection, on which the cache is asked.
    let eventLoop: any EventLoop
    /// When the request reached the router, in nanoseconds of the monotonic clock.
    let start: Int
    /// Who asks.
    var caller = AccessCaller.anonymous

    init(source: ApplicationRequestContextSource) {
        self.coreContext = .init(source: source)
        self.eventLoop = source.channel.eventLoop
        self.start = EventLoopScope.now()
    }
}
