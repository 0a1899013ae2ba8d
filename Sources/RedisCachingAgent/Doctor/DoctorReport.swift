#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Everything that was found, for people, for pipelines and for machines.
struct DoctorReport: Sendable {
    let findings: [Finding]

    /// 78 if a setting is wrong, 1 if anything else is, 0 if there are warnings at most.
    var exitStatus: Int32 {
        if self.findings.contains(where: { $0.outcome == .fault && $0.check == .settings }) { return AgentSettings.configurationFault }
        return self.count(.fault) > 0 ? 1 : 0
    }

    private func count(_ outcome: Finding.Outcome) -> Int { self.findings.count { $0.outcome == outcome } }

    // MARK: For people

    /// A line for each finding, what to do below those that need it, and a summary.
    var table: String {
        let checkWidth = Finding.Check.allCases.map(\.rawValue.count).max() ?? 0
        let outcomeWidth = Finding.Outcome.skipped.rawValue.count
        var lines: [String] = []
        for finding in self.findings {
            let left = Self.padded(finding.outcome.rawValue, outcomeWidth) + "  " + Self.padded(finding.check.rawValue, checkWidth) + "  "
            lines.append(left + finding.result)
            if let advice = finding.advice { lines.append(String(repeating: " ", count: left.count) + "-> " + advice) }
        }
        return (lines + ["", self.summary]).joined(separator: "\n")
    }

    private var summary: String {
        let faults = self.count(.fault)
        let warnings = self.count(.warning)
        if faults + warnings == 0 { return "No problems found." }
        return "\(faults) \(faults == 1 ? "fault" : "faults"), \(warnings) \(warnings == 1 ? "warning" : "warnings")."
    }

    private static func padded(_ text: String, _ width: Int) -> String { text + String(repeating: " ", count: max(0, width - text.count)) }

    // MARK: For machines

    private struct Document: Encodable {
        let status: String
        let faults: Int
        let warnings: Int
        let findings: [Finding]
    }

    /// An object with `status` (`ok`, `warning`, `fault`), `faults`, `warnings` and `findings`.
    var json: String {
        let faults = self.count(.fault)
        let warnings = self.count(.warning)
        let status: Finding.Outcome = faults > 0 ? .fault : warnings > 0 ? .warning : .ok
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let document = Document(status: status.rawValue, faults: faults, warnings: warnings, findings: self.findings)
        // Texts and numbers: nothing that JSON could not hold.
        return (try? encoder.encode(document)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}
