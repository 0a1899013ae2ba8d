package import Histograms
package import NIOCore

/// Writes a scrape in one of the text formats. Families are written one after another, each with all its samples.
///
/// https://prometheus.io/docs/instrumenting/exposition_formats, https://prometheus.io/docs/specs/om/open_metrics_spec
package struct ExpositionWriter {
    package let format: ExpositionFormat
    package private(set) var bytes = ByteBuffer()
    private var name = ""

    package init(format: ExpositionFormat) {
        self.format = format
    }

    /// Begins a family.
    package mutating func family(_ descriptor: MetricDescriptor) {
        self.name = descriptor.name
        // OpenMetrics names a family of counters without the suffix of its samples.
        let familyName =
            self.format == .openMetrics && descriptor.kind == .counter && descriptor.name.hasSuffix("_total")
            ? String(descriptor.name.dropLast("_total".count)) : descriptor.name
        self.bytes.writeString("# HELP \(familyName) \(Self.escapedHelp(descriptor.help, self.format))\n")
        self.bytes.writeString("# TYPE \(familyName) \(descriptor.kind.rawValue)\n")
        guard self.format == .openMetrics, let unit = descriptor.unit else { return }
        self.bytes.writeString("# UNIT \(familyName) \(unit)\n")
    }

    /// A sample of the family begun last.
    package mutating func sample(_ labels: [MetricLabel], _ value: Double) {
        self.line(self.name, labels, Self.text(value))
    }

    /// A sample of the family begun last.
    package mutating func sample(_ labels: [MetricLabel], _ value: Int) {
        self.line(self.name, labels, "\(value)")
    }

    /// A histogram of the family begun last.
    package mutating func histogram(_ labels: [MetricLabel], _ snapshot: HistogramSnapshot) {
        var cumulated = 0
        for (bound, count) in zip(snapshot.bounds + [.infinity], snapshot.counts) {
            cumulated += count
            self.line("\(self.name)_bucket", labels + [MetricLabel("le", self.boundText(bound))], "\(cumulated)")
        }
        self.line("\(self.name)_sum", labels, Self.text(snapshot.sum))
        self.line("\(self.name)_count", labels, "\(cumulated)")
    }

    /// A summary without quantiles of the family begun last.
    package mutating func summary(_ labels: [MetricLabel], count: Int, sum: Double) {
        self.line("\(self.name)_sum", labels, Self.text(sum))
        self.line("\(self.name)_count", labels, "\(count)")
    }

    /// A family of one sample without labels.
    package mutating func single(_ descriptor: MetricDescriptor, _ value: Double) {
        self.family(descriptor)
        self.sample([], value)
    }

    /// A family of one sample without labels.
    package mutating func single(_ descriptor: MetricDescriptor, _ value: Int) {
        self.family(descriptor)
        self.sample([], value)
    }

    /// Ends the scrape.
    package mutating func finish() {
        if self.format == .openMetrics { self.bytes.writeString("# EOF\n") }
    }

    private mutating func line(_ name: String, _ labels: [MetricLabel], _ value: String) {
        self.bytes.writeString(name)
        if !labels.isEmpty {
            let text = labels.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }.joined(separator: ",")
            self.bytes.writeString("{\(text)}")
        }
        self.bytes.writeString(" \(value)\n")
    }

    /// The shortest decimal that reads back as the same number.
    static func text(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if value == value.rounded(), abs(value) < 1e15 { return "\(Int(value))" }
        return "\(value)"
    }

    /// OpenMetrics requires the bounds of buckets as floating-point numbers.
    private func boundText(_ bound: Double) -> String {
        bound.isInfinite || self.format == .prometheus ? Self.text(bound) : "\(bound)"
    }

    /// Label values: backslash, quotation mark and line feed.
    static func escaped(_ value: String) -> String {
        guard value.utf8.contains(where: { $0 == UInt8(ascii: "\\") || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\n") }) else { return value }
        return value.unicodeScalars.map { scalar in
            switch scalar {
            case "\\": "\\\\"
            case "\"": "\\\""
            case "\n": "\\n"
            default: String(scalar)
            }
        }.joined()
    }

    /// Help texts: the same, except that only OpenMetrics escapes quotation marks.
    private static func escapedHelp(_ help: String, _ format: ExpositionFormat) -> String {
        let escaped = Self.escaped(help)
        return format == .openMetrics ? escaped : escaped.split(separator: "\\\"", omittingEmptySubsequences: false).joined(separator: "\"")
    }
}

/// The text formats of a scrape.
package enum ExpositionFormat: Sendable {
    /// Prometheus's own, version 0.0.4.
    case prometheus
    /// OpenMetrics 1.0.0.
    case openMetrics

    /// The format for a scraper that sends these `Accept` values: OpenMetrics only if it is asked for. Prometheus sends both, in its order of
    /// preference.
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

/// What a scrape says about a family of metrics besides its samples.
package struct MetricDescriptor: Sendable, Hashable {
    package enum Kind: String, Sendable {
        case counter, gauge, histogram, summary
    }

    /// The name of the samples; that of a counter ends in `_total`, and a unit stands before that.
    package let name: String
    package let kind: Kind
    /// `seconds`, `bytes` or `ratio`, if the name ends in it (before `_total`).
    package let unit: String?
    /// The names of the labels, each with the values that it can have.
    package let labels: [String]
    package let help: String

    package init(_ name: String, _ kind: Kind, unit: String? = nil, labels: [String] = [], _ help: String) {
        self.name = name
        self.kind = kind
        self.unit = unit
        self.labels = labels
        self.help = help
    }
}

/// One label of a sample. The value may be anything; the writer escapes it.
package struct MetricLabel: Sendable, Hashable {
    package let name: String
    package let value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}
