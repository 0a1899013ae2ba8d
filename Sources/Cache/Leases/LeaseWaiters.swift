import NIOCore

/// What ends a wait for a value that somebody else computes.
enum LeaseWait: Sendable {
    /// The value is there.
    case value(CacheAnswer)
    /// Nobody computes it any more, and it is this waiter's turn to try for the lease.
    case free
    case timeUp
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
        var isReading = false
    }

    private static let shortestPause: Int64 = 5
    private static let longestPause: Int64 = 50

    private let resolver: ValueResolver
    private let eventLoop: any EventLoop
    private var watches: [ByteBuffer: Watch] = [:]
    private var lastID: UInt64 = 0

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

    private func timeIsUp(_ id: UInt64, _ key: ByteBuffer) {
        guard let index = self.watches[key]?.waiters.firstIndex(where: { $0.id == id }),
            let waiter = self.watches[key]?.waiters.remove(at: index)
        else { return }
        if self.watches[key]?.waiters.isEmpty == true { self.endWatch(key) }
        waiter.end(.timeUp)
    }

    @discardableResult
    private func endWatch(_ key: ByteBuffer) -> [Waiter] {
        guard let watch = self.watches.removeValue(forKey: key) else { return [] }
        watch.next?.cancel()
        return watch.waiters
    }

    // MARK: Looking

    private func look(at key: ByteBuffer) {
        guard self.watches[key]?.isReading == false else { return }
        self.watches[key]?.next?.cancel()
        self.watches[key]?.next = nil
        self.watches[key]?.isReading = true
        ResolvedRead(self.resolver, acceptsCopy: true) { [weak self] in self?.take($0, key) }.begin(key)
    }

    private func take(_ read: ResolvedAnswer, _ key: ByteBuffer) {
        self.watches[key]?.isReading = false
        self.dropDisconnected(key)
        guard self.watches[key] != nil else { return }
        switch LeaseStanding(read) {
        case .fresh, .stale, .staleAndHeld, .refused:
            for waiter in self.endWatch(key) { self.end(waiter, .value(read.answer)) }
        case .held(let remaining):
            self.pause(key, atMost: remaining)
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

    private func end(_ waiter: Waiter, _ wait: LeaseWait) {
        waiter.timer.cancel()
        waiter.end(wait)
    }

    private func dropDisconnected(_ key: ByteBuffer) {
        guard let waiters = self.watches[key]?.waiters, !waiters.allSatisfy({ $0.isConnected() }) else { return }
        self.watches[key]?.waiters.removeAll { !$0.isConnected() }
        if self.watches[key]?.waiters.isEmpty == true { self.endWatch(key) }
        for waiter in waiters where !waiter.isConnected() { self.end(waiter, .gone) }
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
        self.look(at: key)
    }
}

@available(*, unavailable)
extension LeaseWaiters: Sendable {}

/// Hears of keys that have changed, or may have, from Redis or from writes of this event loop.
protocol KeyObserver: AnyObject {
    func keyChanged(_ key: ByteBuffer)
}
