/// Whether a client accepts a copy of an earlier read, or wants Redis itself to answer.
///
/// `Cache-Control: no-cache` and `max-age=0` ask for Redis (RFC 9111, section 5.2.1), and so does `Pragma: no-cache` in a request without `Cache-Control`
/// (section 5.4). No other directive matters, nor does one that is malformed: it is skipped, and the others count. Whoever parses a request adds the
/// value of each such field line.
package struct CopyPreference: Equatable, Sendable {
    private var hasCacheControl = false
    private var isForbiddenByCacheControl = false
    private var isForbiddenByPragma = false

    package init() {}

    /// Whether the answer may come from a copy.
    package var acceptsCopy: Bool { !self.isForbiddenByCacheControl && (self.hasCacheControl || !self.isForbiddenByPragma) }

    /// Takes the value of one line of `Cache-Control`. O(bytes).
    package mutating func add(cacheControl value: UnsafeRawBufferPointer) {
        self.hasCacheControl = true
        var scan = DirectiveScan(value)
        while let directive = scan.next() {
            if scan.isNoCache(directive) || scan.isMaxAgeZero(directive) { self.isForbiddenByCacheControl = true }
        }
    }

    /// Takes the value of one line of `Pragma`. O(bytes).
    package mutating func add(pragma value: UnsafeRawBufferPointer) {
        var scan = DirectiveScan(value)
        while let directive = scan.next() {
            if scan.isNoCache(directive) { self.isForbiddenByPragma = true }
        }
    }
}
