package import Histograms
package import NIOCore

/// How late event loops come to what is due: what a request waits before anybody looks at it.
///
/// A timer of each loop asks how late it fires. One that is held up, by a long computation or because the machine has no processor for it, is late.
package final class EventLoopDelay: Sendable {
    private static let interval = TimeAmount.milliseconds(250)

    private let histogram = LatencyHistogram()

    package init() {}

    package var snapshot: HistogramSnapshot { self.histogram.snapshot }

    /// Watches `eventLoop` until it ends.
    package func watch(_ eventLoop: any EventLoop) {
        self.schedule(eventLoop, at: eventLoop.now + Self.interval)
    }

    private func schedule(_ eventLoop: any EventLoop, at deadline: NIODeadline) {
        eventLoop.scheduleTask(deadline: deadline) {
            let now = NIODeadline.now()
            self.histogram.record(nanoseconds: max(0, Int((now - deadline).nanoseconds)))
            self.schedule(eventLoop, at: now + Self.interval)
        }
    }
}
