import Hummingbird
import NIOCore

/// `/dashboard`: one page for whoever is on call, its style, its script, and the figures that it asks for.
struct DashboardRoutes: Sendable {
    let responder: AnswerResponder
    let reports: MetricsReporter
    /// Another one for every process.
    private let instance = String(UInt32.random(in: 0 ... .max), radix: 36)

    init(responder: AnswerResponder, reports: MetricsReporter) {
        self.responder = responder
        self.reports = reports
    }

    func add(to router: Router<CacheRequestContext>) {
        let page = Self.part(PackageResources.dashboard_html, "text/html; charset=utf-8")
        let style = Self.part(PackageResources.dashboard_css, "text/css; charset=utf-8")
        let script = Self.part(PackageResources.dashboard_js, "text/javascript; charset=utf-8")
        self.add("/dashboard", to: router) { page }
        self.add("/dashboard/dashboard.css", to: router) { style }
        self.add("/dashboard/dashboard.js", to: router) { script }
        self.add("/dashboard/figures", to: router) { await self.figures() }
    }

    private func add(_ path: RouterPath, to router: Router<CacheRequestContext>, answer: @escaping @Sendable () async -> Answer) {
        for method in [HTTPRequest.Method.get, .head] {
            router.on(path, method: method) { request, context in
                self.responder.response(await answer(), to: request, context)
            }
        }
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
