import Cache
import CacheHTTP
import NIOCore

/// What one event loop owns.
struct EventLoopParts: Sendable {
    let eventLoop: any EventLoop
    let cache: NIOLoopBound<EventLoopCache>
    let scope: NIOLoopBound<EventLoopScope>
    let counters: OperationCounters
}
