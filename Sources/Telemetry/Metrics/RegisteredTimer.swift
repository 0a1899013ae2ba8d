import CoreMetrics
import Histograms

/// A timer of swift-metrics.
final class RegisteredTimer: TimerHandler, RegisteredMetric {
    private let histogram = LatencyHistogram()

    func recordNanoseconds(_ duration: Int64) { self.histogram.record(nanoseconds: Int(duration)) }

    func write(_ labels: [MetricLabel], into writer: inout ExpositionWriter) { writer.histogram(labels, self.histogram.snapshot) }
}
