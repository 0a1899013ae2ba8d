package import NIOCore

/// Leases: of all who miss a value, one computes it, whichever instance they ask, and the others wait or take what was there.
///
/// A lease is what stands at the key itself. So whatever deletes or overwrites the key ends the lease, and a value that was computed before that is not
/// stored after it.
extension CacheService {
    /// How often a lease is tried for that others take or give up at the same moment.
    private static let maximumAttempts = 16

    /// Reads a key for somebody who would compute its value.
    package func get(
        _ key: ByteBuffer, lease request: LeaseRequest, acceptsCopy: Bool, for client: WaitingClient, on eventLoop: any EventLoop
    ) async -> LeaseAnswer {
        let deadline = NIODeadline.now() + .milliseconds(request.waitMilliseconds)
        var isFirstRead = request.token == nil
        var attempts = 0
        while true {
            let read = await self.readForLease(key, acceptsCopy: acceptsCopy && isFirstRead, acceptsLastKnown: acceptsCopy, on: eventLoop)
            if let token = request.token, let renewed = await self.renew(key, token, request, read, on: eventLoop) { return renewed }
            isFirstRead = false
            switch LeaseStanding(read) {
            case .fresh, .refused:
                return .read(read.answer)
            case .staleAndHeld:
                return self.isHeld(read.answer)
            case .stale, .free:
                attempts += 1
                if let answer = await self.take(key, request, read, on: eventLoop) { return answer }
                guard attempts < Self.maximumAttempts else { return self.isHeld(read.answer) }
            case .held:
                guard NIODeadline.now() < deadline else { return self.isHeld(read.answer) }
                switch await self.wait(for: key, until: deadline, client, on: eventLoop) {
                case .value(let answer)?: return .read(answer)
                case .free?: continue
                case .timeUp(let source)?: return self.isHeld(source.map { .miss($0) } ?? read.answer)
                case .gone?: return self.isHeld(read.answer)
                case nil: return .tooManyWaiting
                }
            }
        }
    }

    private func readForLease(
        _ key: ByteBuffer, acceptsCopy: Bool, acceptsLastKnown: Bool, on eventLoop: any EventLoop
    ) async -> ResolvedAnswer {
        let resolver = self.entry(of: eventLoop).resolver
        return await withCheckedContinuation { continuation in
            eventLoop.execute {
                resolver.value.readForLease(key, acceptsCopy: acceptsCopy, acceptsLastKnown: acceptsLastKnown) { continuation.resume(returning: $0) }
            }
        }
    }

    private func isHeld(_ answer: CacheAnswer) -> LeaseAnswer {
        self.leaseCounters.record(.held)
        return .held(answer)
    }

    // MARK: Taking a lease

    /// - Returns: nil if somebody else was faster.
    private func take(
        _ key: ByteBuffer, _ request: LeaseRequest, _ read: ResolvedAnswer, on eventLoop: any EventLoop
    ) async -> LeaseAnswer? {
        let token = LeaseToken.random()
        let tags = if case .hit(.envelope(let value), _, _) = read.answer { value.envelope.tags } else { [] as [VersionedTag] }
        let lease = Lease(token: token, versions: await self.versionsNow(alsoOf: tags, on: eventLoop))
        let change: CacheChange
        switch LeaseStanding(read) {
        case .stale(let value, let remaining):
            change = value.leased(
                lease, request.milliseconds, valueRemaining: remaining - (value.envelope.lease?.valueEndMilliseconds ?? 0), keyRemaining: remaining)
        case .free(let stored):
            let placeholder = Envelope.placeholder(lease).wrap(ByteBuffer())
            change =
                stored.map { .replace(expected: $0, value: placeholder, ttl: .milliseconds(request.milliseconds)) }
                ?? .lease(placeholder: placeholder, milliseconds: request.milliseconds)
        case .fresh, .staleAndHeld, .held, .refused:
            return nil
        }
        let answer = await self.change(key, change, whileAway: .perInstance(isReplayed: false), on: eventLoop)
        switch answer {
        case .stored(let source):
            self.leaseCounters.record(.given)
            return .granted(read.answer.degraded(by: source), token)
        case .unavailable(let source):
            // Without a value the caller has to know that others may compute it, too.
            if case .hit = read.answer { return .read(read.answer.degraded(by: source)) }
            return .failed(answer)
        case .refused:
            return .read(read.answer)
        case .conflict, .miss, .hit, .deleted:
            return nil
        }
    }

    // MARK: Using a lease

    /// - Returns: nil if there is a value, for which no lease is needed.
    private func renew(
        _ key: ByteBuffer, _ token: LeaseToken, _ request: LeaseRequest, _ read: ResolvedAnswer, on eventLoop: any EventLoop
    ) async -> LeaseAnswer? {
        if case .fresh = LeaseStanding(read) { return nil }
        guard let held = StoredLease(read.stored), held.lease.token == token else {
            self.leaseCounters.record(.void)
            return .lost(read.answer.source)
        }
        let answer = await self.change(key, held.renewed(request.milliseconds), whileAway: .perInstance(isReplayed: false), on: eventLoop)
        switch answer {
        case .stored(let source):
            self.leaseCounters.record(.renewed)
            return .granted(read.answer.degraded(by: source), token)
        case .refused, .unavailable:
            // The lease stands as it did.
            return .failed(answer)
        case .conflict, .miss, .hit, .deleted:
            self.leaseCounters.record(.void)
            return .lost(read.answer.source)
        }
    }

    /// Stores the value that a lease was for.
    package func fill(_ key: ByteBuffer, with value: NewValue, lease token: LeaseToken, on eventLoop: any EventLoop) async -> LeaseUse {
        await self.fill(key, lease: token, ttl: value.timeToLive, on: eventLoop) { await self.wrap(value, heldBy: $0, on: eventLoop) }
    }

    /// The same with bytes that are in their envelope already, if they need one, and have no tags.
    package func fill(
        _ key: ByteBuffer, stored: ByteBuffer, ttlSeconds: Int64?, lease token: LeaseToken, on eventLoop: any EventLoop
    ) async -> LeaseUse {
        await self.fill(key, lease: token, ttl: TimeToLive(seconds: ttlSeconds), on: eventLoop) { _ in .bytes(stored) }
    }

    private func fill(
        _ key: ByteBuffer, lease token: LeaseToken, ttl: TimeToLive, on eventLoop: any EventLoop, _ wrap: (StoredLease) async -> Wrapped
    ) async -> LeaseUse {
        let read = await self.read(key, acceptsCopy: false, on: eventLoop)
        guard let held = StoredLease(read.stored), held.lease.token == token else { return self.isVoid(read.answer.source) }
        let stored: ByteBuffer
        switch await wrap(held) {
        case .bytes(let bytes): stored = bytes
        case .outdated(let source): return self.isVoid(source)
        case .failed(let answer): return .done(answer)
        }
        let change = CacheChange.replace(expected: held.value.stored.buffer, value: stored, ttl: ttl)
        return await self.use(key, change, .filled, whileAway: .perInstance(isReplayed: true), on: eventLoop)
    }

    /// Gives a lease up: whoever asks next gets it.
    package func giveUp(_ key: ByteBuffer, lease token: LeaseToken, on eventLoop: any EventLoop) async -> LeaseUse {
        let read = await self.read(key, acceptsCopy: false, on: eventLoop)
        guard let held = StoredLease(read.stored), held.lease.token == token else { return self.isVoid(read.answer.source) }
        return await self.use(key, held.givenUp, .givenUp, whileAway: .perInstance(isReplayed: false), on: eventLoop)
    }

    private func use(
        _ key: ByteBuffer, _ change: CacheChange, _ event: LeaseCounters.Event, whileAway: ChangeWhileAway, on eventLoop: any EventLoop
    ) async -> LeaseUse {
        let answer = await self.change(key, change, whileAway: whileAway, on: eventLoop)
        switch answer {
        case .conflict(let source), .miss(let source):
            return self.isVoid(source)
        case .stored, .deleted:
            self.leaseCounters.record(event)
            self.wakeWaiters(for: key)
            return .done(answer)
        case .refused, .unavailable, .hit:
            return .done(answer)
        }
    }

    private func isVoid(_ source: CacheSource) -> LeaseUse {
        self.leaseCounters.record(.void)
        return .lost(source)
    }

    // MARK: Waiting

    /// - Returns: nil if as many wait as may.
    private func wait(
        for key: ByteBuffer, until deadline: NIODeadline, _ client: WaitingClient, on eventLoop: any EventLoop
    ) async -> LeaseWait? {
        guard client.places.enter() else { return nil }
        defer { client.places.leave() }
        let began = NIODeadline.now()
        self.leaseCounters.waitBegan()
        let waiters = self.entry(of: eventLoop).waiters
        let wait = await withCheckedContinuation { continuation in
            eventLoop.execute {
                waiters.value.wait(for: key, until: deadline, isConnected: client.isConnected) { continuation.resume(returning: $0) }
            }
        }
        self.leaseCounters.waitEnded(nanoseconds: Int((NIODeadline.now() - began).nanoseconds))
        return wait
    }

    /// Ends the waits for values that others compute: the service stops.
    package func endWaits() {
        for entry in self.eventLoops { entry.eventLoop.execute { entry.waiters.value.endAll() } }
    }

    /// What this process has changed, its waiters need not hear from Redis.
    private func wakeWaiters(for key: ByteBuffer) {
        for entry in self.eventLoops { entry.eventLoop.execute { entry.waiters.value.keyChanged(key) } }
    }
}

extension CacheAnswer {
    /// The same answer as one of an outage if that is where a part of it comes from.
    func degraded(by source: CacheSource) -> CacheAnswer {
        guard source.isDegraded else { return self }
        return switch self {
        case .hit(let value, let remaining, _): .hit(value, remainingMilliseconds: remaining, source)
        case .miss: .miss(source)
        case .stored, .deleted, .refused, .conflict, .unavailable: self
        }
    }
}
