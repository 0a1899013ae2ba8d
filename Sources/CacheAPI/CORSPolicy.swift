/// Which web pages may use the service from a browser: an allow-list of origins (https://fetch.spec.whatwg.org/#http-cors-protocol).
package struct CORSPolicy: Sendable, Hashable {
    /// One entry of the list.
    private enum Entry: Hashable {
        case exact(String)
        /// `https://` and `.example.com`: one or more labels in between.
        case below(scheme: String, suffix: String)
    }

    private let entries: [Entry]

    /// How long a browser may remember the answer to a preflight request.
    package static let maximumAgeSeconds = 600
    /// The fields of answers that a page may read besides those that every page may.
    package static let exposedFields = "Cache-Status, ETag, X-Cache-Degraded, X-Cache-Stale, Cache-Lease, X-Request-Id, X-Process-Time, Retry-After"
    /// The fields that a page may send.
    package static let acceptedFields =
        "Authorization, Cache-Control, Cache-Lease, Content-Encoding, Content-Type, If-Match, If-None-Match, X-API-Key, X-Request-Id, traceparent, tracestate"
    /// What the answer to a preflight request depends on.
    package static let preflightVariesBy = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"

    /// Reads origins separated by commas: `https://app.example.com`, `http://localhost:3000`, `https://*.example.com`.
    /// - Returns: nil if one of them is not an origin.
    package init?(_ text: String) {
        var entries: [Entry] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let origin = part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()
            guard let entry = Self.entry(String(origin)) else { return nil }
            entries.append(entry)
        }
        guard !entries.isEmpty else { return nil }
        self.entries = entries
    }

    /// Whether pages of this origin may use the service. Origins are compared letter by letter, as browsers send them: lower case, without a
    /// default port.
    package func allows(_ origin: String) -> Bool {
        self.entries.contains { entry in
            switch entry {
            case .exact(let known): known == origin
            case .below(let scheme, let suffix):
                origin.hasPrefix(scheme) && origin.hasSuffix(suffix)
                    && Self.isHost(origin.dropFirst(scheme.count).dropLast(suffix.count), allowsPort: false)
            }
        }
    }

    private static func entry(_ text: String) -> Entry? {
        for scheme in ["https://", "http://"] where text.hasPrefix(scheme) {
            let host = text.dropFirst(scheme.count)
            if host.hasPrefix("*.") {
                let suffix = host.dropFirst()
                return self.isHost(suffix.dropFirst(), allowsPort: true) ? .below(scheme: scheme, suffix: String(suffix)) : nil
            }
            return self.isHost(host, allowsPort: true) ? .exact(text) : nil
        }
        return nil
    }

    private static func isHost(_ text: Substring, allowsPort: Bool) -> Bool {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard let name = parts.first, !name.isEmpty, parts.count <= (allowsPort ? 2 : 1) else { return false }
        if parts.count == 2, UInt16(parts[1]) == nil { return false }
        return name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            !label.isEmpty && label.utf8.allSatisfy { self.isLabelCharacter($0) }
        }
    }

    /// Letters of a host's label as browsers write them.
    private static func isLabelCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
        default: false
        }
    }
}
