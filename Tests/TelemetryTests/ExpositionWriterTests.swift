import Histograms
import NIOCore
import Testing

@testable import Telemetry

struct ExpositionWriterTests {
    private let counter = MetricDescriptor("sent_bytes_total", .counter, unit: "bytes", labels: ["to"], "Bytes with \"quotes\", a \\ and\na line.")

    private func text(_ format: ExpositionFormat, _ body: (inout ExpositionWriter) -> Void) -> String {
        var writer = ExpositionWriter(format: format)
        body(&writer)
        writer.finish()
        return String(buffer: writer.bytes)
    }

    @Test func prometheusText() {
        let text = self.text(.prometheus) { writer in
            writer.family(self.counter)
            writer.sample([MetricLabel("to", "a\\b\"c\nd")], 3)
        }
        #expect(
            text == #"""
                # HELP sent_bytes_total Bytes with "quotes", a \\ and\na line.
                # TYPE sent_bytes_total counter
                sent_bytes_total{to="a\\b\"c\nd"} 3

                """#)
    }

    @Test func openMetrics() {
        let text = self.text(.openMetrics) { writer in
            writer.family(self.counter)
            writer.sample([MetricLabel("to", "x")], 3)
        }
        #expect(
            text == #"""
                # HELP sent_bytes Bytes with \"quotes\", a \\ and\na line.
                # TYPE sent_bytes counter
                # UNIT sent_bytes bytes
                sent_bytes_total{to="x"} 3
                # EOF

                """#)
    }

    @Test func bucketsAreCumulated() {
        let snapshot = HistogramSnapshot(bounds: [0.001, 1], counts: [2, 0, 1], sum: 3.5)
        let family = MetricDescriptor("wait_seconds", .histogram, unit: "seconds", "Waits.")
        let text = self.text(.prometheus) { writer in
            writer.family(family)
            writer.histogram([MetricLabel("of", "all")], snapshot)
        }
        #expect(
            text.split(separator: "\n").dropFirst(2) == [
                #"wait_seconds_bucket{of="all",le="0.001"} 2"#, #"wait_seconds_bucket{of="all",le="1"} 2"#,
                #"wait_seconds_bucket{of="all",le="+Inf"} 3"#, #"wait_seconds_sum{of="all"} 3.5"#, #"wait_seconds_count{of="all"} 3"#,
            ])
        let open = self.text(.openMetrics) { writer in
            writer.family(family)
            writer.histogram([], snapshot)
        }
        #expect(open.contains("wait_seconds_bucket{le=\"1.0\"} 2\n"))
    }

    @Test(arguments: [
        (0.0, "0"), (-3, "-3"), (0.1, "0.1"), (1e-9, "1e-09"), (1e16, "1e+16"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"),
    ])
    func numbers(_ value: Double, _ text: String) {
        #expect(ExpositionWriter.text(value) == text)
    }

    @Test(arguments: [
        ([], "text/plain; version=0.0.4; charset=utf-8"), (["text/plain"], "text/plain; version=0.0.4; charset=utf-8"),
        (["application/openmetrics-text;version=1.0.0,text/plain;q=0.5"], "application/openmetrics-text; version=1.0.0; charset=utf-8"),
    ])
    func negotiation(_ accept: [String], _ contentType: String) {
        #expect("\(ExpositionFormat(accept: accept).contentType)" == contentType)
    }
}
