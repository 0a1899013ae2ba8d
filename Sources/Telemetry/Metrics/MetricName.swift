/// Makes valid names from the labels that code and libraries give their metrics: `[a-zA-Z_:][a-zA-Z0-9_:]*`, and the same without colons for labels.
enum MetricName {
    /// What the name of every metric begins with, except the `process_` metrics that all Prometheus client libraries share. Without it `redis_connected` or
    /// `http_requests_total` would mix with the metrics of exporters and other services in the same Prometheus.
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
