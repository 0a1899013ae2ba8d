import Access
import Cache
import HTTPWire
import Logging
import MemoryStore
import NIOCore
import NIOPosix
import Telemetry

#if canImport(Glibc)
import Glibc
/// `SCHED_BATCH` of <linux/sched.h>, which glibc declares for C only.
private let batchPolicy: Int32 = 3
#endif

/// What one event loop owns.
struct EventLoopResources: Sendable {
    let eventLoop: any EventLoop
    let store: EventLoopStore
    let scope: NIOLoopBound<EventLoopScope>
    let httpCounters: HTTPCounters
}

/// Gives each event loop a store of its own, with its own connection to Redis.
struct EventLoopAssembly: Sendable {
    let memory: MemoryStore
    /// nil if no Redis is configured.
    let redis: RedisAssembly?
    let http: HTTPAssembly
    /// nil if everybody may use the service.
    let access: AccessControl?
    let logger: Logger

    /// - Parameter delay: measures how late each event loop runs.
    func resources(on group: MultiThreadedEventLoopGroup, _ delay: EventLoopDelay) async throws -> [EventLoopResources] {
        var all: [EventLoopResources] = []
        for (index, eventLoop) in group.makeIterator().enumerated() {
            all.append(try await eventLoop.submit { self.make(on: eventLoop, index) }.get())
            delay.watch(eventLoop)
        }
        return all
    }

    /// Called on the event loop.
    private func make(on eventLoop: any EventLoop, _ index: Int) -> EventLoopResources {
        let settings = self.http.settings.http
        let eventLoops = self.http.settings.eventLoops
        let counters = OperationCounters(isRecording: settings.metrics)
        let store =
            if let redis {
                EventLoopStore(redis.store(on: eventLoop), counters: counters, on: eventLoop, logger: self.logger)
            } else {
                EventLoopStore(EmbeddedStore(self.memory), counters: counters, on: eventLoop, logger: self.logger)
            }
        let scope = EventLoopScope(
            cache: store.resolver.value, counters: counters, settings: settings, accessLog: self.http.accessLog, access: self.access,
            limiter: self.http.limiter, eventLoopCount: eventLoops)
        return EventLoopResources(
            eventLoop: eventLoop, store: store, scope: NIOLoopBound(scope, eventLoop: eventLoop), httpCounters: scope.httpCounters)
    }
}

/// How the kernel shares the processors between the event loops and others (sched(7)). See `docs/decisions/0011-scheduling.md`.
enum EventLoopScheduling: String, Sendable {
    /// An event loop that wakes lets the running thread finish its turn, and finds more requests waiting: fewer switches, one call of
    /// `epoll_wait` for several requests. If a processor is free, the loop runs at once all the same.
    case batch
    /// An event loop that wakes may take the processor from another thread.
    case normal

    static let standard = batch

    /// Schedules the threads of the event loops. If the kernel refuses, they run as before.
    func apply(to group: MultiThreadedEventLoopGroup, _ logger: Logger) async {
        var isApplied = true
        for eventLoop in group.makeIterator() where (try? await eventLoop.submit { self.applyToThisThread() }.get()) != true { isApplied = false }
        if !isApplied { logger.info("the kernel does not allow EVENT_LOOP_SCHEDULING=\(self.rawValue)") }
    }

    /// - Returns: false if the kernel refuses.
    private func applyToThisThread() -> Bool {
        #if canImport(Glibc)
        var parameters = sched_param()
        parameters.sched_priority = 0
        return sched_setscheduler(0, self == .batch ? batchPolicy : SCHED_OTHER, &parameters) == 0
        #else
        return self == .normal
        #endif
    }
}
