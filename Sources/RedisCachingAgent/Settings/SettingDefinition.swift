import NIOCore

/// Everything that the documentation and the reader need to know about a setting.
struct SettingDefinition: Sendable {
    /// The values that it takes.
    enum Kind: Sendable {
        /// A whole number in a range; `defaultText` if the default depends on the machine, or on Redis.
        case integer(default: Int?, range: ClosedRange<Int>, unit: String, defaultText: String? = nil)
        case text(default: String?)
        /// One of these words.
        case choice(default: String, [String])
        /// Text that is never printed.
        case secret

        static func milliseconds(default: TimeAmount, range: ClosedRange<Int>) -> Kind {
            .integer(default: Int(`default`.nanoseconds / 1_000_000), range: range, unit: "ms")
        }

        static func seconds(default: TimeAmount, range: ClosedRange<Int>) -> Kind {
            .integer(default: Int(`default`.nanoseconds / 1_000_000_000), range: range, unit: "s")
        }

        /// Another default applies if Redis is a cluster.
        static func seconds(default: TimeAmount, inCluster: TimeAmount, range: ClosedRange<Int>) -> Kind {
            let (single, cluster) = (Int(`default`.nanoseconds / 1_000_000_000), Int(inCluster.nanoseconds / 1_000_000_000))
            return .integer(default: single, range: range, unit: "s", defaultText: "`\(single)`, in a cluster `\(cluster)`")
        }
    }

    /// The name in the environment, in the file, and of the file in the secrets directory.
    let name: String
    let kind: Kind
    let summary: String

    /// The default of a number; nil if it depends on the machine.
    var defaultInteger: Int? {
        if case .integer(let value, _, _, _) = self.kind { value } else { nil }
    }

    /// The row of the documentation's table.
    var markdownRow: String {
        let columns =
            switch self.kind {
            case .integer(let value, let range, let unit, let text):
                ["integer", unit, text ?? value.map { "`\($0)`" } ?? "none", "\(range.lowerBound) to \(range.upperBound)"]
            case .text(let value): ["text", "", value.map { "`\($0)`" } ?? "none", ""]
            case .choice(let value, let words): ["choice", "", "`\(value)`", words.map { "`\($0)`" }.joined(separator: ", ")]
            case .secret: ["secret", "", "none", ""]
            }
        return "| `\(self.name)` | \(columns.joined(separator: " | ")) | \(self.summary) |"
    }
}
