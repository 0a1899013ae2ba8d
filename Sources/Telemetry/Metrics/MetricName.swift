/// Makes valid names of what libraries call their metrics: `[a-zA-Z_:][a-zA-Z0-9_:]*`, and for labels the same without colons.
enum MetricName {
    /// - Parameter suffix: appended where the name does not end in it.
    static func metric(_ label: String, suffix: String = "") -> String {
        let name = self.sanitised(label, allowsColon: true)
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
