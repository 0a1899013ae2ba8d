import CoreMetrics
import Histograms
import Synchronization

/// A metric that a library made through swift-metrics, as the scrape sees it.
protocol RegisteredMetric: AnyObject, Sendable {
    /// Writes the samples with these labels.
    func write(_ labels: [MetricLabel], into writer: inout ExpositionWriter)
}

/// A counter of swift-metrics.
final class RegisteredCounter: CounterHandler, RegisteredMetric {
    private let count = Atomic<Int64>(0)

    func increment(by amount: Int64) { self.count.wrappingAdd(amount, ordering: .relaxed) }

    func reset() { self.count.store(0, ordering: .relaxed) }

    func write(_ labels: [MetricLabel], into writer: inout ExpositionWriter) {
        writer.sample(labels, Int(self.count.load(ordering: .relaxed)))
    }
}

/// A counter of fractions of swift-metrics.
final class RegisteredFloatingPointCounter: FloatingPointCounterHandler, RegisteredMetric {
    private let count = AtomicDouble()

    func increment(by amount: Double) { self.count.add(amount) }

    func reset() { self.count.set(0) }

    func write(_ labels: [MetricLabel], into writer: inout ExpositionWriter) { writer.sample(labels, self.count.value) }
}

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

/// A timer of swift-metrics.
final class RegisteredTimer: TimerHandler, RegisteredMetric {
    private let histogram = LatencyHistogram()

    func recordNanoseconds(_ duration: Int64) { self.histogram.record(nanoseconds: Int(duration)) }

    func write(_ labels: [MetricLabel], into writer: inout ExpositionWriter) { writer.histogram(labels, self.histogram.snapshot) }
}

/// A floating-point number that several threads may add to.
struct AtomicDouble: ~Copyable, Sendable {
    private let bits = Atomic<UInt64>(0)

    var value: Double { Double(bitPattern: self.bits.load(ordering: .relaxed)) }

    func set(_ value: Double) {
        self.bits.store(value.bitPattern, ordering: .relaxed)
    }

    func add(_ amount: Double) {
        var current = self.bits.load(ordering: .relaxed)
        while true {
            let sum = Double(bitPattern: current) + amount
            let result = self.bits.weakCompareExchange(expected: current, desired: sum.bitPattern, ordering: .relaxed)
            if result.exchanged { return }
            current = result.original
        }
    }
}
