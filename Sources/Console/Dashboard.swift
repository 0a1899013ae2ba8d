import Cache
package import CacheAPI
import MemoryStore
package import NIOCore
import OperatingSystem

/// `/dashboard`: a page for whoever is on call, its style and scripts, and the figures that it fetches.
package struct DashboardRoutes: Sendable {
    private let reports: MetricsReporter
    private let history: DashboardHistory
    /// The page itself.
    package let page: Answer
    /// A random name for this process.
    private let instance = String(UInt32.random(in: 0 ... .max), radix: 36)

    package init(reports: MetricsReporter, history: DashboardHistory, hasAccessControl: Bool) {
        self.reports = reports
        self.history = history
        self.page = Self.answer(Self.page(hasAccessControl: hasAccessControl), "text/html; charset=utf-8")
    }

    /// A file that the page loads; nil if there is none of that name.
    package func file(_ name: String) -> Answer? { DashboardPart(rawValue: name).map { Self.answer($0.bytes, $0.contentType) } }

    /// The page states whether a key is required, so it need not find out from a refused request.
    private static func page(hasAccessControl: Bool) -> [UInt8] {
        let page = String(decoding: PackageResources.dashboard_html, as: UTF8.self)
        guard hasAccessControl else { return Array(page.utf8) }
        let open = #"data-access="open""#
        return Array(page.split(separator: open, omittingEmptySubsequences: false).joined(separator: #"data-access="required""#).utf8)
    }

    private static func answer(_ bytes: [UInt8], _ contentType: StaticString) -> Answer {
        var answer = Answer(.ok, .prepared(ByteBuffer(bytes: bytes)))
        answer.contentType = contentType
        answer.contentSecurityPolicy = PagePolicy.dashboard.contentSecurity
        return answer
    }

    // MARK: Figures

    /// - Parameter have: what the page has already, see `known`.
    package func figures(have: ByteBuffer) async -> Answer {
        var since = self.known(have)
        // A time that this process has not reached yet comes from another one.
        if let time = since, time > .now { since = nil }
        let (excerpt, time) = self.history.excerpt(since: since)
        // Read last: no sample may be later than what the page takes for now.
        let report = await self.reports.report()
        let figures = DashboardFigures(
            report: report, history: excerpt, historyTime: time, isWholeHistory: since == nil, redisMemory: self.history.redisMemory,
            instance: self.instance, wallClock: WallClock.now())
        return Answer(.ok, .prepared(figures.bytes))
    }

    /// Up to when the page has this instance's history; nil if it has none. O(bytes).
    ///
    /// - Parameter list: what the page has of each instance, as `NAME:MILLISECONDS,...`: behind a load balancer it cannot know which one will answer.
    ///   The list only saves bytes, so invalid entries are ignored.
    private func known(_ list: ByteBuffer) -> MonotonicTime? {
        for entry in list.readableBytesView.split(separator: UInt8(ascii: ",")) {
            let parts = entry.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, parts[0].elementsEqual(self.instance.utf8) else { continue }
            return LaxInteger.nearestInteger(ByteBuffer(parts[1]).readableBytesUInt8Span).map { MonotonicTime(milliseconds: $0.value) }
        }
        return nil
    }
}

/// A file that the dashboard's page loads.
package enum DashboardPart: String, CaseIterable {
    case style = "dashboard.css"
    case script = "dashboard.js"
    case figures = "figures.js"
    case plots = "plots.js"
    case scales = "scales.js"
    case text = "text.js"
    case tools = "tools.js"

    var bytes: [UInt8] {
        switch self {
        case .style: PackageResources.dashboard_css
        case .script: PackageResources.dashboard_js
        case .figures: PackageResources.figures_js
        case .plots: PackageResources.plots_js
        case .scales: PackageResources.scales_js
        case .text: PackageResources.text_js
        case .tools: PackageResources.tools_js
        }
    }

    var contentType: StaticString {
        switch self {
        case .style: "text/css; charset=utf-8"
        case .script, .figures, .plots, .scales, .text, .tools: "text/javascript; charset=utf-8"
        }
    }
}
