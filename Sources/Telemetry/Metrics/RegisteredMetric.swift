/// A metric that a library made through swift-metrics, as the scrape sees it.
protocol RegisteredMetric: AnyObject, Sendable {
    /// Writes the samples with these labels.
    func write(_ labels: [MetricLabel], into writer: inout ExpositionWriter)
}
