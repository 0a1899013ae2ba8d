/// The text formats of a scrape.
package enum ExpositionFormat: Sendable {
    /// Prometheus's own, version 0.0.4.
    case prometheus
    /// OpenMetrics 1.0.0.
    case openMetrics

    /// What a scraper that sends these `Accept` values gets: OpenMetrics only where it is asked for. Prometheus sends both, in its order of preference.
    package init(accept: [String]) {
        self = accept.contains { $0.lowercased().contains("application/openmetrics-text") } ? .openMetrics : .prometheus
    }

    /// The value of `Content-Type`.
    package var contentType: StaticString {
        switch self {
        case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        }
    }
}
