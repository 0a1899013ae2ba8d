import CoreMetrics
import Synchronization

/// A counter of swift-metrics.
final class RegisteredCounter: CounterHandler, RegisteredMetric {
    private let count = Atomic<Int64>(0)

    func increment(by amount: Int64) { self.count.wrappingAdd(amount, ordering: .relaxed) }

    func reset() { self.count.store(0, ordering: .relaxed) }

    func write(_ labels: [MetricLabel], into writer: inout ExpositionWriter) {
        writer.sample(labels, Int(self.count.load(ordering: .relaxed)))
    }
}
