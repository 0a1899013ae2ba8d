package import NIOCore

/// One timer for everything: deadlines, silence, handshake, pause, close. It is only ever brought forward; when it fires too early for what there is
/// to do now, the machine says when to look again. So a busy connection sets a timer once per deadline, not once per command.
extension RedisConnection {
    func armTimer(at deadline: NIODeadline) {
        guard deadline < self.timerDeadline else {
            return
        }
        self.timer?.cancel()
        self.timerDeadline = deadline
        do {
            self.timer = try self.eventLoop.assumeIsolated().scheduleCallback(at: deadline, handler: self)
        } catch {
            // The loop is shutting down: nothing has a future on it.
            self.cancelTimer()
        }
    }

    func cancelTimer() {
        self.timer?.cancel()
        self.timer = nil
        self.timerDeadline = .distantFuture
    }
}

extension RedisConnection: NIOScheduledCallbackHandler {
    package func handleScheduledCallback(eventLoop: some EventLoop) {
        self.timer = nil
        self.timerDeadline = .distantFuture
        self.performTimer()
    }
}
