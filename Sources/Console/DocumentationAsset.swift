/// A file of Swagger UI or ReDoc, as its project distributes it.
///
/// It comes from a local directory if there is one (`make run` and the image fill it), so that the pages work without the internet, otherwise from a
/// public mirror of npm. Either way the browser checks its hash.
package enum DocumentationAsset: String, CaseIterable, Sendable {
    case swaggerScript = "swagger-ui-bundle.js"
    case swaggerStyle = "swagger-ui.css"
    case reDocScript = "redoc.standalone.js"

    /// Where a browser gets it if there is no local file.
    var address: StaticString {
        switch self {
        case .swaggerScript: "https://cdn.jsdelivr.net/npm/swagger-ui-dist@5.33.1/swagger-ui-bundle.js"
        case .swaggerStyle: "https://cdn.jsdelivr.net/npm/swagger-ui-dist@5.33.1/swagger-ui.css"
        case .reDocScript: "https://cdn.jsdelivr.net/npm/redoc@2.5.4/bundles/redoc.standalone.js"
        }
    }

    /// https://www.w3.org/TR/SRI/
    var integrity: StaticString {
        switch self {
        case .swaggerScript: "sha384-ZPehFMQommnnuaZ4rpxgkgTT2DKFVp4hZC/7pLit+9Lek9T1YGSo23eHFbvNkXkw"
        case .swaggerStyle: "sha384-Ov4/wv3j2bmct8cDc5X4ngJZohVPzEmc6uDPH8WeljUxO5vtoykvMEfbu9Vh6RaW"
        case .reDocScript: "sha384-w447zOpYfw/1Tv/5AK9NfHTlQIqE3RVR6KY62jCyy9zNDgO64cMwGGP1Fj0zJVf5"
        }
    }

    package var contentType: StaticString {
        switch self {
        case .swaggerScript, .reDocScript: "text/javascript; charset=utf-8"
        case .swaggerStyle: "text/css; charset=utf-8"
        }
    }
}
