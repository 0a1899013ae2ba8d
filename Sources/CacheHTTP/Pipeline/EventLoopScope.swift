package import Access
package import Cache
import NIOCore

/// What the connections of one event loop share. Confined to that loop: no locks, no atomics.
package final class EventLoopScope {
    let cache: EventLoopCache
    let counters: OperationCounters
    package let httpCounters: HTTPCounters
    let accessLog: AccessLog?
    /// nil where everybody may ask.
    let access: AccessControl?
    let settings: HTTPSettings
    private var date = DateField()
    private var requestIDs = RequestIDGenerator()

    /// - Parameters:
    ///   - accessLog: nil where no answer gets a line.
    ///   - access: nil where everybody may ask.
    package init(cache: EventLoopCache, settings: HTTPSettings, accessLog: AccessLog?, access: AccessControl?) {
        self.access = access
        self.cache = cache
        self.httpCounters = HTTPCounters(isRecording: settings.metrics)
        self.accessLog = accessLog
        self.counters = cache.counters
        self.settings = settings
    }

    /// Nanoseconds of the monotonic clock.
    static func now() -> Int { Int(truncatingIfNeeded: NIODeadline.now().uptimeNanoseconds) }

    /// The fields that every answer carries, for a request that began at `start`.
    func trailer(requestID: RequestID?, start: Int) -> AnswerTrailer {
        let now = Self.now()
        return AnswerTrailer(requestID: requestID ?? self.requestIDs.next(), processNanoseconds: now - start, date: self.date.value(now: now))
    }
}

@available(*, unavailable)
extension EventLoopScope: Sendable {}
