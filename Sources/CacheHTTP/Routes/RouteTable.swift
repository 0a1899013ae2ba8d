/// The paths of the service and the methods that each has, for the `Allow` field.
enum RouteTable {
    /// The route of `path` where it is the control plane's and worth a span; nil for operations on one key and what is asked all the time.
    static func controlPlaneRoute(_ path: String) -> String? {
        switch path {
        case "/cache/invalidate", "/cache/stats": path
        default: nil
        }
    }

    /// The methods of `path`, or nil where nothing is there.
    ///
    /// - Parameter hasMetrics: whether there is a `/metrics` and a `/dashboard`.
    static func allowedMethods(_ path: String, hasMetrics: Bool) -> StaticString? {
        switch path {
        case "/", "/health", "/health/live", "/health/ready", "/health/startup", "/openapi.json", "/docs", "/redoc": "GET, HEAD"
        case "/metrics", "/dashboard", "/dashboard/figures": hasMetrics ? "GET, HEAD" : nil
        case _ where DashboardPart.allCases.contains { $0.path == path }: hasMetrics ? "GET, HEAD" : nil
        case _ where path.hasPrefix("/docs/assets/"): self.isAsset(path) ? "GET, HEAD" : nil
        case "/cache": "DELETE, GET, HEAD, POST"
        case "/cache/invalidate": "DELETE, GET, HEAD, POST"
        case _ where path.hasPrefix("/cache/") && path.utf8.count > 7: "DELETE, GET, HEAD"
        default: nil
        }
    }

    private static func isAsset(_ path: String) -> Bool {
        let name = path.dropFirst("/docs/assets/".count)
        return name == "documentation.js" || DocumentationAsset.allCases.contains { $0.rawValue == name }
    }
}
