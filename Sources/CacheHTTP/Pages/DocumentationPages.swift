import NIOCore

/// The pages that show the OpenAPI document to people.
struct DocumentationPages {
    /// Whether the assets are on this machine.
    let hasLocalAssets: Bool

    var swaggerUI: Answer {
        self.page(
            .swaggerUI, title: "Swagger UI", element: #"<div id="swagger-ui"></div>"#,
            head: #"<link rel="stylesheet" href="\#(self.address(.swaggerStyle))" \#(self.check(.swaggerStyle))>"#,
            scripts: self.script(.swaggerScript) + #"<script src="docs/assets/swagger-initializer.js"></script>"#)
    }

    var reDoc: Answer {
        self.page(
            .reDoc, title: "ReDoc", element: #"<redoc spec-url="openapi.json"></redoc>"#, head: "",
            scripts: self.script(.reDocScript))
    }

    /// Starts Swagger UI: a file of its own, since the page's policy lets no inline script run.
    static var swaggerInitializer: Answer {
        var answer = Answer(
            .ok,
            .prepared(
                ByteBuffer(
                    string: """
                        window.ui = SwaggerUIBundle({
                            url: "openapi.json",
                            dom_id: "#swagger-ui",
                            deepLinking: true,
                            layout: "BaseLayout",
                            presets: [SwaggerUIBundle.presets.apis],
                        });

                        """)))
        answer.contentType = DocumentationAsset.swaggerScript.contentType
        answer.pagePolicy = .swaggerUI
        return answer
    }

    private func page(_ policy: PagePolicy, title: String, element: String, head: String, scripts: String) -> Answer {
        let html = """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>Redis Caching Layer Agent - \(title)</title>
            <link rel="icon" href="data:,">
            \(head)
            </head>
            <body>
            \(element)
            \(scripts)
            </body>
            </html>

            """
        var answer = Answer(.ok, .prepared(ByteBuffer(string: html)))
        answer.contentType = "text/html; charset=utf-8"
        answer.pagePolicy = policy
        return answer
    }

    private func script(_ asset: DocumentationAsset) -> String {
        #"<script src="\#(self.address(asset))" \#(self.check(asset))></script>"#
    }

    private func address(_ asset: DocumentationAsset) -> String {
        self.hasLocalAssets ? "docs/assets/\(asset.rawValue)" : "\(asset.address)"
    }

    private func check(_ asset: DocumentationAsset) -> String {
        #"integrity="\#(asset.integrity)" crossorigin="anonymous""#
    }
}
