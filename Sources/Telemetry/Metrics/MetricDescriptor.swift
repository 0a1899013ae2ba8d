/// What a scrape says of a family of metrics besides its samples.
package struct MetricDescriptor: Sendable, Hashable {
    package enum Kind: String, Sendable {
        case counter, gauge, histogram, summary
    }

    /// The name of the samples; that of a counter ends in `_total`, and a unit stands before that.
    package let name: String
    package let kind: Kind
    /// `seconds`, `bytes` or `ratio`, where the name ends in it (before `_total`).
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
