import Access
import Hummingbird
import Logging
import NIOCore

/// What the router knows of a request besides the request.
struct CacheRequestContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// The connection.
    let channel: any Channel
    /// Its event loop, on which the cache is asked.
    var eventLoop: any EventLoop { self.channel.eventLoop }
    /// When the request reached the router, in nanoseconds of the monotonic clock.
    let start: Int
    /// Who asks.
    var caller = AccessCaller.anonymous

    init(source: ApplicationRequestContextSource) {
        self.coreContext = .init(source: source)
        self.channel = source.channel
        self.start = EventLoopScope.now()
    }
}
