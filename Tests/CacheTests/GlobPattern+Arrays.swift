@testable import Cache

extension GlobPattern {
    /// For `#expect`, whose expansion takes an expression apart and cannot hold a span.
    func matches(_ key: [UInt8]) -> Bool {
        matches(key.span)
    }
}
