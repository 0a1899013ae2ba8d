import NIOCore

/// The channel of a connection and its one timer, as the handler that acts for the connection sees them. Empty once the channel is gone.
struct ConnectionChannel {
    private(set) var context: ChannelHandlerContext?
    private var timer: Scheduled<Void>?

    var isOpen: Bool { self.context != nil }

    var isWritable: Bool { self.context?.channel.isWritable == true }

    mutating func open(_ context: ChannelHandlerContext) { self.context = context }

    mutating func close() {
        self.context = nil
        self.timer?.cancel()
        self.timer = nil
    }

    /// Calls `body` at this time, in nanoseconds of the monotonic clock, and forgets what was to be called before.
    ///
    /// The timer holds its owner strongly until it fires or is cancelled: a weak reference would give every retain a detour through a side table.
    mutating func schedule(at time: Int, _ body: @escaping () -> Void) {
        guard let context = self.context else { return }
        self.timer?.cancel()
        self.timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: .uptimeNanoseconds(UInt64(max(0, time))), body)
    }

    /// A promise for a write: `body` is called when the socket has taken everything up to that write, or never will.
    func promise(_ body: @escaping () -> Void) -> EventLoopPromise<Void>? {
        guard let context = self.context else { return nil }
        let taken = context.eventLoop.makePromise(of: Void.self)
        taken.futureResult.assumeIsolated().whenComplete { _ in body() }
        return taken
    }

    /// Calls `body` when the socket has taken everything that was written, or never will.
    func whenTaken(_ body: @escaping () -> Void) {
        self.context?.writeAndFlush(NIOAny(IOData.byteBuffer(ByteBuffer())), promise: self.promise(body))
    }
}

/// Keeps a handler from taking requests by two passes at once. Acting can call back into the handler before it returns (the socket takes the bytes,
/// the channel becomes writable); such a call only asks for another round of the pass under way.
struct InputRounds {
    private enum State { case none, running, runningWithAnotherDue }
    private var state = State.none

    /// A pass is asked for. Returns false if one is under way.
    mutating func begin() -> Bool {
        guard self.state == .none else {
            self.state = .runningWithAnotherDue
            return false
        }
        self.state = .running
        return true
    }

    /// A round is over. Returns whether another one is due.
    mutating func end() -> Bool {
        let isAnotherDue = self.state == .runningWithAnotherDue
        self.state = isAnotherDue ? .running : .none
        return isAnotherDue
    }
}
