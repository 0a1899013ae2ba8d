import Telemetry
import Testing

@testable import CacheAPI
@testable import Console

struct MetricCatalogueTests {
    private let metrics = MetricCatalogue.all + MetricCatalogue.registered

    @Test func everyNameIsTheServicesOwnOrSharedByClientLibraries() {
        // https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics
        let shared: Set = [
            "process_cpu_seconds_total", "process_open_fds", "process_max_fds", "process_virtual_memory_bytes", "process_resident_memory_bytes",
            "process_start_time_seconds", "process_threads",
        ]
        for metric in self.metrics { #expect(metric.name.hasPrefix("cacheagent_") || shared.contains(metric.name), "\(metric.name)") }
    }

    @Test func namesAreUniqueAndEndInTheirUnit() {
        #expect(Set(self.metrics.map(\.name)).count == self.metrics.count)
        for metric in self.metrics {
            #expect((metric.kind == .counter) == metric.name.hasSuffix("_total"), "\(metric.name)")
            guard let unit = metric.unit else { continue }
            #expect(metric.name.hasSuffix("_\(unit)") || metric.name.hasSuffix("_\(unit)_total"), "\(metric.name)")
        }
    }
}
