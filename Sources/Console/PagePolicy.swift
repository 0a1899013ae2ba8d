/// What a page may load in a browser: only what is listed here.
///
/// Content Security Policy, level 3: https://www.w3.org/TR/CSP3/
package enum PagePolicy {
    /// The dashboard: its own style and scripts, and requests to the service itself.
    case dashboard
    /// Swagger UI. It sets styles by attribute and has images in its style sheet.
    case swaggerUI(AssetOrigin)
    /// ReDoc: the same, and a worker for its search.
    case reDoc(AssetOrigin)

    /// Where the files of Swagger UI and ReDoc come from.
    package enum AssetOrigin {
        case service
        /// The public mirror of npm that `DocumentationAsset` names.
        case mirror
    }

    package var contentSecurity: StaticString {
        switch self {
        case .dashboard:
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        case .swaggerUI(.service):
            "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src 'self' data:; font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        case .swaggerUI(.mirror):
            "default-src 'none'; script-src 'self' https://cdn.jsdelivr.net; style-src 'self' 'unsafe-inline' https://cdn.jsdelivr.net; connect-src 'self'; img-src 'self' data:; font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        case .reDoc(.service):
            "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src 'self' data:; font-src data:; worker-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        case .reDoc(.mirror):
            "default-src 'none'; script-src 'self' https://cdn.jsdelivr.net; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src 'self' data:; font-src data:; worker-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        }
    }
}
