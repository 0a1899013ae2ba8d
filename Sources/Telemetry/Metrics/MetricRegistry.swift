package import CoreMetrics
import Synchronization

/// The backend of swift-metrics: what libraries, and the control plane, count through that interface appears in the scrape.
///
/// A handle is made once and kept by whoever counts; making one takes a lock, counting does not. What the hot path counts does not come this way:
/// each event loop has its own counters, which the scrape adds up.
package final class MetricRegistry: MetricsFactory {
    private struct Family {
        let descriptor: MetricDescriptor
        var metrics: [[MetricLabel]: any RegisteredMetric] = [:]
    }

    private struct Contents {
        var families: [String: Family] = [:]
        var seriesCount = 0
        var refused = 0
    }

    /// The most series that are kept, so that a library with an unbounded label cannot fill the memory; what comes later is counted nowhere.
    package static let maximumSeries = 1000

    package static let refusedDescriptor = MetricDescriptor(
        MetricName.prefix + "metrics_refused_total", .counter,
        "Metrics of libraries that were not kept: more than \(MetricRegistry.maximumSeries) series, or one name with two types.")

    private let contents: Mutex<Contents>

    /// - Parameter descriptors: what is known of metrics before they are made: their help texts.
    package init(_ descriptors: [MetricDescriptor] = []) {
        let families = Dictionary(descriptors.map { ($0.name, Family(descriptor: $0)) }, uniquingKeysWith: { first, _ in first })
        self.contents = Mutex(Contents(families: families))
    }

    /// Writes every family that has a sample, by name.
    package func write(into writer: inout ExpositionWriter) {
        let (families, refused) = self.contents.withLock { ($0.families, $0.refused) }
        for (_, family) in families.sorted(by: { $0.key < $1.key }) where !family.metrics.isEmpty {
            writer.family(family.descriptor)
            let series = family.metrics.map { (text: $0.key.map(\.value).joined(separator: "\u{0}"), labels: $0.key, metric: $0.value) }
            for entry in series.sorted(by: { $0.text < $1.text }) { entry.metric.write(entry.labels, into: &writer) }
        }
        writer.single(Self.refusedDescriptor, refused)
    }

    // MARK: MetricsFactory

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        self.metric(MetricName.metric(label, suffix: "_total"), .counter, dimensions) { RegisteredCounter() }
    }

    package func makeFloatingPointCounter(label: String, dimensions: [(String, String)]) -> any FloatingPointCounterHandler {
        self.metric(MetricName.metric(label, suffix: "_total"), .counter, dimensions) { RegisteredFloatingPointCounter() }
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        self.metric(MetricName.metric(label), .gauge, dimensions) { RegisteredGauge() }
    }

    package func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        aggregate
            ? self.metric(MetricName.metric(label), .summary, dimensions) { RegisteredSummary() }
            : self.metric(MetricName.metric(label), .gauge, dimensions) { RegisteredGauge() }
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        self.metric(MetricName.metric(label, suffix: "_seconds"), .histogram, unit: "seconds", dimensions) { RegisteredTimer() }
    }

    package func destroyCounter(_ handler: any CounterHandler) { self.forget(handler) }
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { self.forget(handler) }
    package func destroyMeter(_ handler: any MeterHandler) { self.forget(handler) }
    package func destroyRecorder(_ handler: any RecorderHandler) { self.forget(handler) }
    package func destroyTimer(_ handler: any TimerHandler) { self.forget(handler) }

    /// The metric of this name and these labels: the one there is, or a new one. One that cannot be kept counts for nobody.
    private func metric<Metric: RegisteredMetric>(
        _ name: String, _ kind: MetricDescriptor.Kind, unit: String? = nil, _ dimensions: [(String, String)], make: () -> Metric
    ) -> Metric {
        let labels = dimensions.map { MetricLabel(MetricName.label($0.0), $0.1) }
        return self.contents.withLock { contents in
            var family =
                contents.families[name]
                ?? Family(descriptor: MetricDescriptor(name, kind, unit: unit, labels: labels.map(\.name), "As a library counts it."))
            if let known = family.metrics[labels] as? Metric { return known }
            let metric = make()
            guard family.descriptor.kind == kind, family.metrics[labels] == nil, contents.seriesCount < Self.maximumSeries else {
                contents.refused += 1
                return metric
            }
            family.metrics[labels] = metric
            contents.families[name] = family
            contents.seriesCount += 1
            return metric
        }
    }

    private func forget(_ handler: AnyObject) {
        self.contents.withLock { contents in
            for (name, family) in contents.families {
                for (labels, metric) in family.metrics where metric === handler {
                    contents.families[name]?.metrics[labels] = nil
                    contents.seriesCount -= 1
                }
            }
        }
    }
}

/// Makes valid names from the labels that code and libraries give their metrics: `[a-zA-Z_:][a-zA-Z0-9_:]*`, and the same without colons for labels.
enum MetricName {
    /// What the name of every metric begins with, except the `process_` metrics that all Prometheus client libraries share. Without it
    /// `redis_connected` or `http_requests_total` would mix with the metrics of exporters and other services in the same Prometheus.
    static let prefix = "cacheagent_"

    /// - Parameter suffix: appended if the name does not end in it.
    static func metric(_ label: String, suffix: String = "") -> String {
        var name = self.sanitised(label, allowsColon: true)
        if !name.hasPrefix(self.prefix) { name = self.prefix + name }
        return name.hasSuffix(suffix) ? name : name + suffix
    }

    /// Names that begin with two underscores are Prometheus's own.
    static func label(_ label: String) -> String {
        let name = self.sanitised(label, allowsColon: false)
        return name.hasPrefix("__") ? "label" + name : name
    }

    private static func sanitised(_ text: String, allowsColon: Bool) -> String {
        var name = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "a"..."z", "A"..."Z", "_": name.unicodeScalars.append(scalar)
            case "0"..."9":
                if name.isEmpty { name = "_" }
                name.unicodeScalars.append(scalar)
            case ":" where allowsColon: name.unicodeScalars.append(scalar)
            default: name += "_"
            }
        }
        return name.isEmpty ? "_" : name
    }
}

/// What the process has of telemetry, made once at its start.
package struct ServiceTelemetry: Sendable {
    package let registry: MetricRegistry
    package let eventLoopDelay: EventLoopDelay
    package let logCounters: LogCounters
    package let logSink: LogSink

    package init(registry: MetricRegistry, eventLoopDelay: EventLoopDelay, logCounters: LogCounters, logSink: LogSink) {
        self.registry = registry
        self.eventLoopDelay = eventLoopDelay
        self.logCounters = logCounters
        self.logSink = logSink
    }
}
