#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// All findings, for people, pipelines and machines.
struct DoctorReport: Sendable {
    let findings: [Finding]

    /// 78 if a setting is wrong, 1 if anything else is, 0 if there are warnings at most.
    var exitStatus: Int32 {
        if self.findings.contains(where: { $0.outcome == .fault && $0.check == .settings }) { return AgentSettings.configurationFault }
        return self.count(.fault) > 0 ? 1 : 0
    }

    private func count(_ outcome: Finding.Outcome) -> Int { self.findings.count { $0.outcome == outcome } }

    // MARK: For people

    /// A line for each finding, followed by advice if there is any, and a summary.
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
        // Strings and numbers always encode.
        return (try? encoder.encode(document)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}

/// What one check of the configuration found, in words for the operator. Holds no secret and no text of the server.
struct Finding: Hashable, Sendable, Encodable {
    enum Outcome: String, Sendable, Encodable {
        case ok
        /// The service works, but not as well as it could.
        case warning
        /// The service does not work.
        case fault
        /// Not checked, because an earlier check failed or it is not configured.
        case skipped
    }

    /// What was checked, in this order.
    enum Check: String, CaseIterable, Sendable, Encodable {
        case settings
        case access
        case address
        case connection
        case encryption
        case session
        case credentials
        case commands
        case keys
        case clientCommands = "client commands"
        case server
        case memory
        case coverage
        case nodes
        case replicas
        case versions = "node versions"
        case balance
        case failover
        case latency
        case platform

        /// Those that only a cluster has.
        static let ofCluster: [Check] = [.coverage, .nodes, .replicas, .versions, .balance, .failover]
    }

    private static let maximumCharacters = 400

    let check: Check
    let outcome: Outcome
    let result: String
    /// How to fix it; nil if there is nothing to fix.
    let advice: String?

    /// The texts may quote a server, so they are cut short and lose their control characters.
    init(check: Check, outcome: Outcome, result: String, advice: String? = nil) {
        self.check = check
        self.outcome = outcome
        self.result = Self.printable(result)
        self.advice = advice.map { Self.printable($0) }
    }

    private static func printable(_ text: String) -> String {
        String(text.unicodeScalars.prefix(self.maximumCharacters).map { $0.properties.generalCategory == .control ? "?" : Character($0) })
    }

    static func ok(_ check: Check, _ result: String) -> Finding { Finding(check: check, outcome: .ok, result: result) }

    static func skipped(_ check: Check, _ result: String) -> Finding { Finding(check: check, outcome: .skipped, result: result) }

    static func warning(_ check: Check, _ result: String, _ advice: String) -> Finding {
        Finding(check: check, outcome: .warning, result: result, advice: advice)
    }

    static func fault(_ check: Check, _ result: String, _ advice: String) -> Finding {
        Finding(check: check, outcome: .fault, result: result, advice: advice)
    }
}
