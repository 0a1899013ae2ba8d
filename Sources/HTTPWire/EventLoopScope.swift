package import Access
package import Cache
import CacheAPI
package import NIOCore

/// What the connections of one event loop share. Confined to that loop: no locks, no atomics.
package final class EventLoopScope {
    let cache: any CacheStore
    /// What every answer to a read goes through.
    let resolver: ValueResolver
    let counters: OperationCounters
    package let httpCounters: HTTPCounters
    let accessLog: AccessLog?
    /// nil if there is no access control.
    let access: AccessControl?
    let limiter: Limiter
    var connections = ConnectionTable()
    /// Requests of this loop's clients that wait for Redis.
    var waitingRequests = 0
    /// How many of them there may be: this loop's share.
    let maximumWaitingRequests: Int
    let settings: HTTPSettings
    /// Writes answers for HTTP/2.
    var answerFields = HTTP2AnswerFields()
    private var date = DateField()
    private var requestIDs = RequestIDGenerator()

    /// - Parameters:
    ///   - cache: this loop's store, with what reads its values.
    ///   - accessLog: nil if no answer gets a line.
    ///   - access: nil if there is no access control.
    ///   - eventLoopCount: of the process, which share the bound of requests in flight.
    package init(
        cache: ValueResolver, counters: OperationCounters, settings: HTTPSettings, accessLog: AccessLog?, access: AccessControl?, limiter: Limiter,
        eventLoopCount: Int
    ) {
        self.access = access
        self.limiter = limiter
        self.maximumWaitingRequests = max(1, settings.serviceLimits.maximumRequestsInFlight / eventLoopCount)
        self.cache = cache.store
        self.resolver = cache
        self.httpCounters = HTTPCounters(isRecording: settings.metrics)
        self.accessLog = accessLog
        self.counters = counters
        self.settings = settings
    }

    /// Puts the lane first in the pipeline of a connection. What is behind it follows when the first bytes have told the protocol.
    package func addHandlers(to pipeline: ChannelPipeline.SynchronousOperations, _ protocols: any ConnectionProtocols) throws {
        let lane = FastLane(scope: self)
        try pipeline.addHandlers([ProtocolDetector(self, lane: lane, protocols), lane])
    }

    /// The first handler of a connection without the rest of its pipeline, for measurements.
    package func makeFastLane() -> any ChannelHandler { FastLane(scope: self) }

    /// Puts the lane first in the pipeline of a connection, and the gate behind the codec.
    package func addHandlers(to pipeline: ChannelPipeline.SynchronousOperations, around codec: any ChannelHandler) throws {
        let lane = FastLane(scope: self)
        try pipeline.addHandler(lane, position: .first)
        try pipeline.addHandler(CodecGate(lane), position: .before(codec))
    }

    /// Nanoseconds of the monotonic clock.
    package static func now() -> Int { Int(truncatingIfNeeded: NIODeadline.now().uptimeNanoseconds) }

    /// The fields that every answer carries, for a request that began at `start`.
    func trailer(requestID: RequestID?, start: Int) -> AnswerTrailer {
        let now = Self.now()
        return AnswerTrailer(
            requestID: requestID ?? self.requestIDs.next(), processNanoseconds: now - start, date: self.date.value(now: now),
            variesByOrigin: self.settings.cors != nil)
    }
}

@available(*, unavailable)
extension EventLoopScope: Sendable {}

/// The scopes of all event loops, found by loop.
package struct EventLoopScopes: Sendable {
    private let scopes: [NIOLoopBound<EventLoopScope>]
    private let eventLoops: [any EventLoop]
    /// The counters of all loops.
    package let httpCounters: [HTTPCounters]

    package init(_ scopes: [(eventLoop: any EventLoop, scope: NIOLoopBound<EventLoopScope>, httpCounters: HTTPCounters)]) {
        self.eventLoops = scopes.map(\.eventLoop)
        self.scopes = scopes.map(\.scope)
        self.httpCounters = scopes.map(\.httpCounters)
    }

    /// The scope of `eventLoop`, which must be one of the group's. O(event loops).
    package func scope(of eventLoop: any EventLoop) -> NIOLoopBound<EventLoopScope> {
        for (index, candidate) in self.eventLoops.enumerated() where candidate === eventLoop { return self.scopes[index] }
        preconditionFailure("a connection runs on an event loop that has no cache")
    }
}
