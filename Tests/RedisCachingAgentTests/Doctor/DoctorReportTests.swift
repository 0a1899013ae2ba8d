import Testing

@testable import RedisCachingAgent

/// How findings are shown and what they mean for a pipeline.
@Suite struct DoctorReportTests {
    private static let ok = Finding.ok(.latency, "fast")
    private static let warning = Finding.warning(.memory, "little", "Give more.")
    private static let fault = Finding.fault(.commands, "none", "Grant some.")
    private static let setting = Finding.fault(.settings, "PORT: x", "See.")

    @Test func exitStatuses() {
        #expect(DoctorReport(findings: [Self.ok, Self.warning, .skipped(.platform, "no")]).exitStatus == 0)
        #expect(DoctorReport(findings: [Self.ok, Self.fault]).exitStatus == 1)
        #expect(DoctorReport(findings: [Self.fault, Self.setting]).exitStatus == 78)
        #expect(DoctorReport(findings: [.warning(.settings, "x", "y")]).exitStatus == 0)
    }

    @Test func theTable() {
        #expect(
            DoctorReport(findings: [Self.ok, Self.warning, Self.fault]).table == """
                ok       latency          fast
                warning  memory           little
                                          -> Give more.
                fault    commands         none
                                          -> Grant some.

                1 fault, 1 warning.
                """)
        #expect(DoctorReport(findings: [Self.ok]).table.hasSuffix("\n\nNo problems found."))
    }

    @Test func theDocument() {
        #expect(
            DoctorReport(findings: [Self.warning]).json == """
                {
                  "faults" : 0,
                  "findings" : [
                    {
                      "advice" : "Give more.",
                      "check" : "memory",
                      "outcome" : "warning",
                      "result" : "little"
                    }
                  ],
                  "status" : "warning",
                  "warnings" : 1
                }
                """)
    }

    /// A server's name for itself must not write to the terminal.
    @Test func textsOfServersAreHarmless() {
        let finding = Finding.ok(.server, "Redis \u{1b}[2J\n" + String(repeating: "x", count: 1000))
        #expect(finding.result.hasPrefix("Redis ?[2J?x") && finding.result.count == 400)
    }

    @Test func faultsOfTheSettingsAreAReport() {
        var faults = SettingFaults()
        faults.add(SettingCatalogue.port, "'x' is not a whole number")
        let report = Doctor.report(faults)
        #expect(report.exitStatus == 78 && report.findings.map(\.result) == ["PORT: 'x' is not a whole number"])
    }
}
