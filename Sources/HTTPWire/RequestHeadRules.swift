import CacheAPI
import NIOHTTP1

/// What HTTP/1.1 asks of a head beyond what the codec checks: values, without I/O.
enum RequestHeadRules {
    /// The answer to a head that violates RFC 9112; nil if it conforms.
    static func refusal(_ head: HTTPRequestHead) -> Answer? {
        // Section 3.2: without exactly one Host, or with an invalid one, a request is not answered as if it had one.
        let hosts = head.headers[canonicalForm: "host"]
        guard hosts.count == 1 ? self.isHost(String(hosts[0])) : hosts.isEmpty && head.version != .http1_1 else { return .invalidRequest }
        guard self.hasKnownForm(head) else { return .invalidRequest }
        let codings = head.headers[canonicalForm: "transfer-encoding"]
        guard !codings.isEmpty else { return nil }
        // Section 6.1: HTTP/1.0 has no transfer codings, so that an intermediary got the framing wrong.
        guard head.version == .http1_1 else { return .invalidRequest }
        guard codings.count == 1, codings[0].lowercased() == "chunked" else {
            return .unsupportedTransferCoding
        }
        return nil
    }

    /// Whether the client waits for `100 Continue` before it sends its body (RFC 9110, section 10.1.1).
    static func expectsContinue(_ head: HTTPRequestHead) -> Bool {
        head.version == .http1_1 && head.headers[canonicalForm: "expect"].contains { $0.lowercased() == "100-continue" }
    }

    /// How the codec, which has accepted the head, finds the end of the body (RFC 9112, section 6.3).
    static func framing(_ head: HTTPRequestHead) -> CodecFeed.BodyFraming {
        if head.headers.contains(name: "transfer-encoding") { return .chunked }
        return head.headers.first(name: "content-length").flatMap { Int($0) }.map { .length($0) } ?? .none
    }

    /// Section 3.2: origin form, absolute form with a scheme of HTTP, `*` for OPTIONS, authority form for CONNECT.
    private static func hasKnownForm(_ head: HTTPRequestHead) -> Bool {
        switch head.uri.utf8.first {
        case UInt8(ascii: "/"): head.method != .CONNECT
        case UInt8(ascii: "*"): head.method == .OPTIONS && head.uri.utf8.count == 1
        default: head.method == .CONNECT || self.originForm(head.uri) != nil
        }
    }

    /// A target in absolute form as one in origin form; nil if it is none. Section 3.2.2: every server must take it, and its authority
    /// stands for Host, which this service does not distinguish.
    static func originForm(_ target: String) -> String? {
        let bytes = target.utf8
        guard bytes.first != UInt8(ascii: "/") else { return nil }
        for scheme in ["http://", "https://"] where target.lowercased().hasPrefix(scheme) {
            let rest = bytes.dropFirst(scheme.utf8.count)
            let end = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? rest.endIndex
            let origin = String(rest[end...]) ?? ""
            return origin.hasPrefix("/") ? origin : "/" + origin
        }
        return nil
    }

    /// A name or address with a port, perhaps: without anything that belongs elsewhere in a URL. Empty if the client knows none.
    private static func isHost(_ text: String) -> Bool {
        text.utf8.allSatisfy { ByteClass.isHostCharacter($0) }
    }
}
