import Access
import Cache
import Hummingbird
import MemoryStore
import NIOCore
import OperatingSystem

/// `/dashboard`: a page for whoever is on call, its style and scripts, and the figures that it fetches.
struct DashboardRoutes: Sendable {
    private let responder: AnswerResponder
    private let reports: MetricsReporter
    private let history: DashboardHistory
    private let hasAccessControl: Bool
    /// Different for every process.
    private let instance = String(UInt32.random(in: 0 ... .max), radix: 36)

    init(responder: AnswerResponder, reports: MetricsReporter, history: DashboardHistory, hasAccessControl: Bool) {
        self.responder = responder
        self.reports = reports
        self.history = history
        self.hasAccessControl = hasAccessControl
    }

    func add(to router: Router<CacheRequestContext>) {
        let page = Self.answer(Self.page(hasAccessControl: self.hasAccessControl), "text/html; charset=utf-8")
        self.responder.read("/dashboard", on: router) { _ in page }
        for part in DashboardPart.allCases {
            let answer = Self.answer(part.bytes, part.contentType)
            self.responder.read(RouterPath(part.path), on: router) { _ in answer }
        }
        self.responder.read("/dashboard/figures", scope: .admin, on: router) { request in await self.figures(request) }
    }

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
        answer.pagePolicy = .dashboard
        return answer
    }

    // MARK: Figures

    private func figures(_ request: Request) async -> Answer {
        var since = self.known(TargetText(request.head.path ?? "").parameter("have").value ?? ByteBuffer())
        // A time in the future comes from another process.
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
enum DashboardPart: String, CaseIterable {
    case style = "dashboard.css"
    case script = "dashboard.js"
    case figures = "figures.js"
    case plots = "plots.js"
    case scales = "scales.js"
    case text = "text.js"
    case tools = "tools.js"

    /// Below `/dashboard`, since the page names them relative to itself.
    var path: String { "/dashboard/\(self.rawValue)" }

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
