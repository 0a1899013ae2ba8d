import ArgumentParser
import CacheHTTP

/// Prints every metric.
struct MetricsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "metrics", abstract: "Print every metric as a Markdown table.")

    func run() {
        print(MetricCatalogue.markdownTable)
    }
}
