import CoreMetrics
import Synchronization

/// A recorder of swift-metrics that adds up its values.
final class RegisteredSummary: RecorderHandler, RegisteredMetric {
    private let count = Atomic<Int>(0)
    private let sum = AtomicDouble()

    func record(_ value: Int64) { self.record(Double(value)) }

    func record(_ value: Double) {
        self.count.add(1, ordering: .relaxed)
        self.sum.add(value)
    }

    func write(_ labels: [MetricLabel], into writer: inout ExpositionWriter) {
        writer.summary(labels, count: self.count.load(ordering: .relaxed), sum: self.sum.value)
    }
}
