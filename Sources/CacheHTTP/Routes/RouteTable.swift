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
    static func allowedMethods(_ path: String) -> StaticString? {
        switch path {
        case "/", "/health", "/health/live", "/health/ready", "/health/startup", "/metrics": "GET, HEAD"
        case "/cache": "DELETE, GET, HEAD, POST"
        case "/cache/invalidate": "DELETE, GET, HEAD, POST"
        case _ where path.hasPrefix("/cache/") && path.utf8.count > 7: "DELETE, GET, HEAD"
        default: nil
        }
    }
}
