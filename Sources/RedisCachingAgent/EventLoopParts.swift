import Cache
import CacheHTTP
import NIOCore

/// What one event loop owns.
struct EventLoopParts: Sendable {
    let eventLoop: any EventLoop
    let store: EventLoopStore
    let scope: NIOLoopBound<EventLoopScope>
    let httpCounters: HTTPCounters
}
