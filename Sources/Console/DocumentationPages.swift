package import CacheAPI
import NIOCore

/// The pages that show the OpenAPI document to people.
///
/// If the files of Swagger UI or ReDoc cannot be loaded, `documentation.js` says so on the page and links the document.
package struct DocumentationPages {
    /// Where browsers get the files of Swagger UI and ReDoc.
    private let origin: PagePolicy.AssetOrigin

    package init(origin: PagePolicy.AssetOrigin) {
        self.origin = origin
    }

    package var swaggerUI: Answer {
        self.page(
            .swaggerUI(self.origin), name: "Swagger UI",
            // The script adds the style sheet: an unreachable mirror would otherwise keep the page blank.
            data: #"data-style="\#(self.address(.swaggerStyle))" data-style-integrity="\#(DocumentationAsset.swaggerStyle.integrity)""#,
            asset: .swaggerScript)
    }

    package var reDoc: Answer { self.page(.reDoc(self.origin), name: "ReDoc", data: "", asset: .reDocScript) }

    /// Starts Swagger UI or ReDoc: a separate file, because the policy of the pages forbids inline scripts.
    package var script: Answer {
        var answer = Answer(.ok, .prepared(ByteBuffer(bytes: PackageResources.documentation_js)))
        answer.contentType = DocumentationAsset.swaggerScript.contentType
        answer.contentSecurityPolicy = PagePolicy.swaggerUI(self.origin).contentSecurity
        return answer
    }

    private func page(_ policy: PagePolicy, name: String, data: String, asset: DocumentationAsset) -> Answer {
        let document = #"The interface is described in <a href="openapi.json">/openapi.json</a>."#
        let html = """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>Redis Caching Layer Agent - \(name)</title>
            <link rel="icon" href="data:,">
            <script src="docs/assets/documentation.js" defer></script>
            <script src="\(self.address(asset))" integrity="\(asset.integrity)" crossorigin="anonymous" defer></script>
            </head>
            <body data-interface="\(name)" \(data)>
            <p id="unavailable" role="status" hidden>\(name) cannot be shown: \(self.reason). \(document)</p>
            <noscript><p>\(name) needs JavaScript. \(document)</p></noscript>
            <div id="documentation"></div>
            </body>
            </html>

            """
        var answer = Answer(.ok, .prepared(ByteBuffer(string: html)))
        answer.contentType = "text/html; charset=utf-8"
        answer.contentSecurityPolicy = policy.contentSecurity
        return answer
    }

    /// Why the files are missing, if they are.
    private var reason: String {
        switch self.origin {
        case .service: "its files are not in the directory that the service has been given for them (DOCS_DIRECTORY)"
        case .mirror: "the service does not have its files (DOCS_DIRECTORY), and this browser cannot load them from cdn.jsdelivr.net"
        }
    }

    private func address(_ asset: DocumentationAsset) -> String {
        switch self.origin {
        case .service: "docs/assets/\(asset.rawValue)"
        case .mirror: "\(asset.address)"
        }
    }
}
