import Access
import Hummingbird
import NIOCore

/// `/dashboard`: one page for whoever is on call, its style, its script, and the figures that it asks for.
struct DashboardRoutes: Sendable {
    let responder: AnswerResponder
    let reports: MetricsReporter
    /// Another one for every process.
    private let instance = String(UInt32.random(in: 0 ... .max), radix: 36)

    private let hasAccessControl: Bool

    init(responder: AnswerResponder, reports: MetricsReporter, hasAccessControl: Bool) {
        self.hasAccessControl = hasAccessControl
        self.responder = responder
        self.reports = reports
    }

    func add(to router: Router<CacheRequestContext>) {
        let page = Self.part(Self.page(hasAccessControl: self.hasAccessControl), "text/html; charset=utf-8")
        let style = Self.part(PackageResources.dashboard_css, "text/css; charset=utf-8")
        let script = Self.part(PackageResources.dashboard_js, "text/javascript; charset=utf-8")
        self.responder.read("/dashboard", on: router) { _ in page }
        self.responder.read("/dashboard/dashboard.css", on: router) { _ in style }
        self.responder.read("/dashboard/dashboard.js", on: router) { _ in script }
        self.responder.read("/dashboard/figures", scope: .admin, on: router) { _ in await self.figures() }
    }

    /// The page knows whether it must ask for a key, so that it need not find out by a request that is refused.
    private static func page(hasAccessControl: Bool) -> [UInt8] {
        let page = String(decoding: PackageResources.dashboard_html, as: UTF8.self)
        guard hasAccessControl else { return Array(page.utf8) }
        let open = #"data-access="open""#
        return Array(page.split(separator: open, omittingEmptySubsequences: false).joined(separator: #"data-access="required""#).utf8)
    }

    private static func part(_ bytes: [UInt8], _ contentType: StaticString) -> Answer {
        var answer = Answer(.ok, .prepared(ByteBuffer(bytes: bytes)))
        answer.contentType = contentType
        answer.pagePolicy = .dashboard
        return answer
    }

    private func figures() async -> Answer {
        Answer(.ok, .prepared(DashboardFigures(report: await self.reports.report(), instance: self.instance).bytes))
    }
}
