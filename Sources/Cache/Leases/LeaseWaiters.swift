import NIOCore

/// What ends a wait for a value that somebody else computes.
enum LeaseWait: Sendable {
    /// The value is there.
    case value(CacheAnswer)
    /// Nobody computes it any more, and it is this waiter's turn to try for the lease.
    case free
    /// The time of this waiter is over.
    /// - Parameter source: who has said last, since the waiter came, that the value is still computed; nil if nobody has.
    case timeUp(CacheSource?)
    /// The client is no longer connected.
    case gone
}

/// Those who wait on one event loop, by the key that they wait for. Confined to that loop.
///
/// However many wait for a key, one watch reads it, at most every 5 to 50 ms. While there is a copy of the placeholder that Redis keeps true, such a
/// read is a lookup in the memory of this process and Redis hears nothing of it; once Redis has said that the key has changed, the watch is woken at
/// once. Without copies it is a poll, for which no time has to be right.
final class LeaseWaiters {
    private struct Waiter {
        let id: UInt64
        let isConnected: @Sendable () -> Bool
        let timer: Scheduled<Void>
        let end: (LeaseWait) -> Void
    }

    private struct Watch {
        var waiters: [Waiter] = []
        var pauseMilliseconds = LeaseWaiters.shortestPause
        var next: Scheduled<Void>?
        /// While a read is under way: the last waiter who came before it. What it brings may be older than those who came later.
        var reading: UInt64?
        /// Who has said last that the value is still computed, and the last waiter who came before that.
        var held: (source: CacheSource, last: UInt64)?
        /// Whether the key has changed since the read under way was sent.
        var isOutdated = false

        /// Who has said last, since the waiter came, that the value is still computed.
        func source(for waiter: UInt64) -> CacheSource? { self.held.flatMap { waiter <= $0.last ? $0.source : nil } }
    }

    private static let shortestPause: Int64 = 5
    private static let longestPause: Int64 = 50

    private let resolver: ValueResolver
    private let eventLoop: any EventLoop
    private var watches: [ByteBuffer: Watch] = [:]
    private var lastID: UInt64 = 0
    /// The service stops.
    private var isOver = false

    init(_ resolver: ValueResolver, on eventLoop: any EventLoop) {
        self.resolver = resolver
        self.eventLoop = eventLoop
    }

    /// How many wait.
    var count: Int { self.watches.values.reduce(0) { $0 + $1.waiters.count } }

    /// Waits for a value of `key`.
    /// - Parameter end: called once.
    func wait(
        for key: ByteBuffer, until deadline: NIODeadline, isConnected: @escaping @Sendable () -> Bool, end: @escaping (LeaseWait) -> Void
    ) {
        guard !self.isOver else { return end(.timeUp(nil)) }
        // Free of the request that the key is a slice of.
        let key = ByteBuffer(bytes: key.readableBytesView)
        self.lastID += 1
        let id = self.lastID
        let timer = self.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { [weak self] in
            guard let self else { return }
            self.timeIsUp(id, key)
        }
        self.watches[key, default: Watch()].waiters.append(Waiter(id: id, isConnected: isConnected, timer: timer, end: end))
        if self.watches[key]?.waiters.count == 1 { self.look(at: key) }
    }

    /// Ends all waits, and those that are still to come: the service stops, and whoever waits should hear so while there is time.
    func endAll() {
        self.isOver = true
        let watches = self.watches
        self.watches = [:]
        for watch in watches.values {
            watch.next?.cancel()
            for waiter in watch.waiters { self.end(waiter, .timeUp(watch.source(for: waiter.id))) }
        }
    }

    private func timeIsUp(_ id: UInt64, _ key: ByteBuffer) {
        let source = self.watches[key]?.source(for: id)
        guard let index = self.watches[key]?.waiters.firstIndex(where: { $0.id == id }),
            let waiter = self.watches[key]?.waiters.remove(at: index)
        else { return }
        if self.watches[key]?.waiters.isEmpty == true { self.endWatch(key) }
        waiter.end(.timeUp(source))
    }

    private func endWatch(_ key: ByteBuffer) {
        self.watches.removeValue(forKey: key)?.next?.cancel()
    }

    // MARK: Looking

    private func look(at key: ByteBuffer) {
        guard let watch = self.watches[key], watch.reading == nil else { return }
        watch.next?.cancel()
        let last = self.lastID
        self.watches[key]?.next = nil
        self.watches[key]?.reading = last
        self.watches[key]?.isOutdated = false
        self.resolver.readForLease(key, acceptsCopy: true, acceptsLastKnown: true) { [weak self] in self?.take($0, key, last) }
    }

    /// - Parameter last: the last waiter who came before the read.
    private func take(_ read: ResolvedAnswer, _ key: ByteBuffer, _ last: UInt64) {
        // Otherwise it is the read of a watch that has ended.
        guard self.watches[key]?.reading == last else { return }
        self.watches[key]?.reading = nil
        self.dropDisconnected(key)
        guard let watch = self.watches[key] else { return }
        switch LeaseStanding(read) {
        case .fresh, .stale, .staleAndHeld, .refused:
            self.answer(read.answer, key, upTo: last)
        case .held(let remaining):
            self.watches[key]?.held = (read.answer.source, last)
            if watch.isOutdated { self.look(at: key) } else { self.pause(key, atMost: remaining) }
        case .free:
            guard let first = self.watches[key]?.waiters.removeFirst() else { return }
            if self.watches[key]?.waiters.isEmpty == true {
                self.endWatch(key)
            } else {
                self.watches[key]?.pauseMilliseconds = Self.shortestPause
                self.pause(key, atMost: nil)
            }
            self.end(first, .free)
        }
    }

    /// Whoever came after the read may have been told of a change that it has not seen: that needs another one.
    private func answer(_ answer: CacheAnswer, _ key: ByteBuffer, upTo last: UInt64) {
        guard let waiters = self.watches[key]?.waiters else { return }
        let later = waiters.filter { $0.id > last }
        if later.isEmpty { self.endWatch(key) } else { self.watches[key]?.waiters = later }
        for waiter in waiters where waiter.id <= last { self.end(waiter, .value(answer)) }
        if !later.isEmpty { self.look(at: key) }
    }

    private func end(_ waiter: Waiter, _ wait: LeaseWait) {
        waiter.timer.cancel()
        waiter.end(wait)
    }

    private func dropDisconnected(_ key: ByteBuffer) {
        guard let waiters = self.watches[key]?.waiters else { return }
        var (left, gone): ([Waiter], [Waiter]) = ([], [])
        // Each is asked once: two answers could differ, and a waiter ends once.
        for waiter in waiters { if waiter.isConnected() { left.append(waiter) } else { gone.append(waiter) } }
        guard !gone.isEmpty else { return }
        if left.isEmpty { self.endWatch(key) } else { self.watches[key]?.waiters = left }
        for waiter in gone { self.end(waiter, .gone) }
    }

    /// - Parameter remaining: the milliseconds after which there is something to see for certain.
    private func pause(_ key: ByteBuffer, atMost remaining: Int64?) {
        guard let watch = self.watches[key], watch.next == nil else { return }
        let pause = min(watch.pauseMilliseconds, max(1, remaining.map { $0 + 1 } ?? .max))
        self.watches[key]?.pauseMilliseconds = min(watch.pauseMilliseconds * 2, Self.longestPause)
        self.watches[key]?.next = self.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(pause)) { [weak self] in
            self?.watches[key]?.next = nil
            self?.look(at: key)
        }
    }
}

extension LeaseWaiters: KeyObserver {
    /// The key has changed, or may have.
    func keyChanged(_ key: ByteBuffer) {
        guard !self.watches.isEmpty, self.watches[key] != nil else { return }
        self.watches[key]?.pauseMilliseconds = Self.shortestPause
        self.watches[key]?.isOutdated = true
        self.look(at: key)
    }
}

@available(*, unavailable)
extension LeaseWaiters: Sendable {}

/// Hears of keys that have changed, or may have, from Redis or from writes of this event loop.
protocol KeyObserver: AnyObject {
    func keyChanged(_ key: ByteBuffer)
}
