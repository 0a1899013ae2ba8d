import CoreMetrics

/// A counter of fractions of swift-metrics.
final class RegisteredFloatingPointCounter: FloatingPointCounterHandler, RegisteredMetric {
    private let count = AtomicDouble()

    func increment(by amount: Double) { self.count.add(amount) }

    func reset() { self.count.set(0) }

    func write(_ labels: [MetricLabel], into writer: inout ExpositionWriter) { writer.sample(labels, self.count.value) }
}
