import CoreMetrics
import NIOCore
import Testing

@testable import Telemetry

struct MetricRegistryTests {
    private func scrape(_ registry: MetricRegistry) -> [String] {
        var writer = ExpositionWriter(format: .prometheus)
        registry.write(into: &writer)
        return String(buffer: writer.bytes).split(separator: "\n").map(String.init)
    }

    @Test func everyKindIsWritten() {
        let registry = MetricRegistry([MetricDescriptor("requests_total", .counter, "Requests.")])
        Counter(label: "requests", dimensions: [("to", "a")], factory: registry).increment(by: 2)
        Counter(label: "requests", dimensions: [("to", "b")], factory: registry).increment()
        FloatingPointCounter(label: "share", factory: registry).increment(by: 0.25)
        Gauge(label: "depth", factory: registry).record(4)
        Meter(label: "level", factory: registry).decrement(by: 1.5)
        let recorder = Recorder(label: "size", factory: registry)
        recorder.record(3)
        recorder.record(4.5)
        Timer(label: "wait", factory: registry).recordMilliseconds(2)
        let lines = self.scrape(registry)
        for line in [
            "# HELP requests_total Requests.", "requests_total{to=\"a\"} 2", "requests_total{to=\"b\"} 1", "share_total 0.25", "depth 4",
            "level -1.5",
            "size_sum 7.5", "size_count 2", "wait_seconds_bucket{le=\"0.001\"} 0", "wait_seconds_bucket{le=\"0.0025\"} 1", "wait_seconds_count 1",
        ] { #expect(lines.contains(line), "\(line)") }
    }

    @Test func theSameNameAndLabelsAreTheSameMetric() {
        let registry = MetricRegistry()
        for _ in 0..<3 { Counter(label: "hits", dimensions: [("a", "1")], factory: registry).increment() }
        #expect(self.scrape(registry).contains("hits_total{a=\"1\"} 3"))
    }

    @Test func aNameOfAnotherKindIsRefused() {
        let registry = MetricRegistry()
        Gauge(label: "x_total", factory: registry).record(7)
        Counter(label: "x", factory: registry).increment()
        let lines = self.scrape(registry)
        #expect(lines.contains("x_total 7") && lines.contains("metrics_refused_total 1"))
    }

    @Test func seriesAreBounded() {
        let registry = MetricRegistry()
        for number in 0..<(MetricRegistry.maximumSeries + 5) {
            Counter(label: "flood", dimensions: [("n", "\(number)")], factory: registry).increment()
        }
        let lines = self.scrape(registry)
        #expect(lines.count { $0.hasPrefix("flood_total{") } == MetricRegistry.maximumSeries)
        #expect(lines.contains("metrics_refused_total 5"))
    }

    @Test func whatIsDestroyedIsGone() {
        let registry = MetricRegistry()
        let counter = Counter(label: "short", factory: registry)
        counter.increment()
        counter.destroy()
        #expect(!self.scrape(registry).contains { $0.contains("short") })
    }

    @Test(arguments: [
        ("a.b-c", "a_b_c"), ("9lives", "_9lives"), ("ok_name:x", "ok_name:x"), ("", "_"), ("é", "_"), ("x9", "x9"),
    ])
    func names(_ label: String, _ name: String) {
        #expect(MetricName.metric(label) == name)
    }

    @Test func labelNames() {
        #expect(MetricName.label("a:b") == "a_b")
        #expect(MetricName.label("__name__") == "label__name__")
        #expect(MetricName.metric("a_total", suffix: "_total") == "a_total")
    }
}
