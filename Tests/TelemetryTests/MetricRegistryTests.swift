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
        let registry = MetricRegistry([MetricDescriptor("cacheagent_requests_total", .counter, "Requests.")])
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
            "# HELP cacheagent_requests_total Requests.", "cacheagent_requests_total{to=\"a\"} 2", "cacheagent_requests_total{to=\"b\"} 1",
            "cacheagent_share_total 0.25", "cacheagent_depth 4", "cacheagent_level -1.5", "cacheagent_size_sum 7.5", "cacheagent_size_count 2",
            "cacheagent_wait_seconds_bucket{le=\"0.001\"} 0", "cacheagent_wait_seconds_bucket{le=\"0.0025\"} 1", "cacheagent_wait_seconds_count 1",
        ] { #expect(lines.contains(line), "\(line)") }
    }

    @Test func valuesAreReplacedAndReset() {
        let registry = MetricRegistry()
        let meter = Meter(label: "level", factory: registry)
        meter.set(10)
        meter.increment(by: 2.5)
        meter.set(20.5)
        meter.increment(by: 2)
        let gauge = Gauge(label: "depth", factory: registry)
        gauge.record(4)
        gauge.record(1.5)
        let share = FloatingPointCounter(label: "share", factory: registry)
        share.increment(by: 0.25)
        share.reset()
        share.increment(by: 0.5)
        let lines = self.scrape(registry)
        for line in ["cacheagent_level 22.5", "cacheagent_depth 1.5", "cacheagent_share_total 0.5"] { #expect(lines.contains(line), "\(line)") }
    }

    @Test func theSameNameAndLabelsAreTheSameMetric() {
        let registry = MetricRegistry()
        for _ in 0..<3 { Counter(label: "hits", dimensions: [("a", "1")], factory: registry).increment() }
        #expect(self.scrape(registry).contains("cacheagent_hits_total{a=\"1\"} 3"))
    }

    @Test func aNameOfAnotherKindIsRefused() {
        let registry = MetricRegistry()
        Gauge(label: "x_total", factory: registry).record(7)
        Counter(label: "x", factory: registry).increment()
        let lines = self.scrape(registry)
        #expect(lines.contains("cacheagent_x_total 7") && lines.contains("cacheagent_metrics_refused_total 1"))
    }

    @Test func seriesAreBounded() {
        let registry = MetricRegistry()
        for number in 0..<(MetricRegistry.maximumSeries + 5) {
            Counter(label: "flood", dimensions: [("n", "\(number)")], factory: registry).increment()
        }
        let lines = self.scrape(registry)
        #expect(lines.count { $0.hasPrefix("cacheagent_flood_total{") } == MetricRegistry.maximumSeries)
        #expect(lines.contains("cacheagent_metrics_refused_total 5"))
    }

    @Test func whatIsDestroyedIsGone() {
        let registry = MetricRegistry()
        let counter = Counter(label: "short", factory: registry)
        counter.increment()
        counter.destroy()
        #expect(!self.scrape(registry).contains { $0.contains("short") })
    }

    @Test(arguments: [
        ("a.b-c", "cacheagent_a_b_c"), ("9lives", "cacheagent__9lives"), ("ok_name:x", "cacheagent_ok_name:x"), ("", "cacheagent__"),
        ("é", "cacheagent__"),
        ("x9", "cacheagent_x9"), ("cacheagent_depth", "cacheagent_depth"),
    ])
    func names(_ label: String, _ name: String) {
        #expect(MetricName.metric(label) == name)
    }

    @Test func labelNames() {
        #expect(MetricName.label("a:b") == "a_b")
        #expect(MetricName.label("__name__") == "label__name__")
        #expect(MetricName.metric("a_total", suffix: "_total") == "cacheagent_a_total")
    }
}
