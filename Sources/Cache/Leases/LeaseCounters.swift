package import Histograms
import Synchronization

/// What became of leases, and of those who waited for a value, readable from any thread.
package final class LeaseCounters: Sendable {
    package enum Event: Int, Sendable, CaseIterable {
        /// A caller got the lease.
        case given
        /// A caller heard that somebody else has it.
        case held
        case renewed
        /// The value came, and was stored.
        case filled
        case givenUp
        /// A value, a renewal or a return came for a lease that no longer stood.
        case void

        package var name: String {
            switch self {
            case .given: "given"
            case .held: "held"
            case .renewed: "renewed"
            case .filled: "filled"
            case .givenUp: "given_up"
            case .void: "void"
            }
        }
    }

    private let counts = InlineArray<6, Atomic<Int>> { _ in Atomic(0) }
    private let waitingNow = Atomic<Int>(0)
    private let waits = LatencyHistogram()

    func record(_ event: Event) { self.counts[event.rawValue].add(1, ordering: .relaxed) }

    func waitBegan() { self.waitingNow.add(1, ordering: .relaxed) }

    func waitEnded(nanoseconds: Int) {
        self.waitingNow.subtract(1, ordering: .relaxed)
        self.waits.record(nanoseconds: nanoseconds)
    }

    package func count(_ event: Event) -> Int { self.counts[event.rawValue].load(ordering: .relaxed) }

    /// How many wait now.
    package var waiting: Int { self.waitingNow.load(ordering: .relaxed) }

    /// How long they have waited, in seconds.
    package var waited: HistogramSnapshot { self.waits.snapshot }
}
