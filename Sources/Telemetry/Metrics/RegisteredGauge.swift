import CoreMetrics

/// A meter of swift-metrics, or a recorder that keeps its last value.
final class RegisteredGauge: MeterHandler, RecorderHandler, RegisteredMetric {
    private let number = AtomicDouble()

    func set(_ value: Int64) { self.number.set(Double(value)) }
    func set(_ value: Double) { self.number.set(value) }
    func increment(by amount: Double) { self.number.add(amount) }
    func decrement(by amount: Double) { self.number.add(-amount) }
    func record(_ value: Int64) { self.number.set(Double(value)) }
    func record(_ value: Double) { self.number.set(value) }

    func write(_ labels: [MetricLabel], into writer: inout ExpositionWriter) { writer.sample(labels, self.number.value) }
}
