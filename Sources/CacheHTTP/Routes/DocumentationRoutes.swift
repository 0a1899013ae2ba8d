import Access
import Hummingbird
import NIOCore
import NIOPosix
import OperatingSystem

/// The description of the interface: `/openapi.json` for programs, `/docs` and `/redoc` for people.
struct DocumentationRoutes: Sendable {
    private let responder: AnswerResponder
    private let document: Answer
    private let directory: String?

    init(responder: AnswerResponder, settings: HTTPSettings, hasAccessControl: Bool) {
        self.responder = responder
        self.directory = settings.documentationDirectory
        self.document = Answer(.ok, .prepared(OpenAPIDocument(settings: settings, hasAccessControl: hasAccessControl).bytes))
    }

    func add(to router: Router<CacheRequestContext>) {
        let pages = DocumentationPages(origin: self.directory == nil ? .mirror : .service)
        let (swaggerUI, reDoc, script) = (pages.swaggerUI, pages.reDoc, pages.script)
        self.responder.read("/openapi.json", on: router) { _ in self.document }
        self.responder.read("/docs", on: router) { _ in swaggerUI }
        self.responder.read("/redoc", on: router) { _ in reDoc }
        self.responder.read("/docs/assets/documentation.js", on: router) { _ in script }
        for asset in DocumentationAsset.allCases {
            self.responder.read(RouterPath("/docs/assets/\(asset.rawValue)"), on: router) { _ in await self.file(asset) }
        }
    }

    /// The largest of them, Swagger UI, has 1.5 MB.
    private static let maximumAssetBytes = 16 * 1024 * 1024

    /// Read anew for every request: few ever ask, and keeping them would cost three megabytes.
    private func file(_ asset: DocumentationAsset) async -> Answer {
        guard let directory = self.directory else { return Answer(.notFound, .detail("Not Found")) }
        let bytes = try? await NIOThreadPool.singleton.runIfActive {
            WholeFile.read("\(directory)/\(asset.rawValue)", maximumBytes: Self.maximumAssetBytes)
        }
        guard let bytes = bytes ?? nil else { return Answer(.notFound, .detail("Not Found")) }
        var answer = Answer(.ok, .prepared(ByteBuffer(bytes: bytes)))
        answer.contentType = asset.contentType
        answer.pagePolicy = .swaggerUI(.service)
        return answer
    }
}
