import NIOCore
import NIOHPACK
import TestSupport
import Testing

@testable import CacheAPI
@testable import HTTPWire

/// A header list is judged as the same request in bytes of HTTP/1.1 is.
@Suite struct HTTP2RequestReaderTests {
    private let recogniser = RequestRecogniser(maximumHeadBytes: 4096, maximumBodyBytes: 100, maximumFields: 20)

    private enum Outcome: Equatable {
        /// What the judge would see: texts instead of places.
        case key(
            RequestMethod, key: String, isEncoded: Bool, bodyCount: Int, requestID: String?, credential: String?, trace: String?, acceptsCopy: Bool,
            hasOrigin: Bool)
        case other
        case refused(AnswerStatus)
    }

    private func outcome(_ request: KeyRequest, _ bytes: [UInt8]) -> Outcome {
        func text(_ range: Range<Int>?) -> String? { range.map { String(decoding: bytes[$0], as: UTF8.self) } }
        let credential: String? =
            switch request.credential {
            case .key(let range): "key " + (text(range) ?? "")
            case .authorization(let range): "authorization " + (text(range) ?? "")
            case .several: "several"
            case nil: nil
            }
        let trace = bytes.withUnsafeBytes { bytes in request.trace.flatMap { RequestJudge.trace($0, in: bytes) }.map { "\($0)" } }
        return .key(
            request.method, key: text(request.key.range) ?? "", isEncoded: request.key.isEncoded, bodyCount: request.body.count,
            requestID: text(request.requestID), credential: credential, trace: trace, acceptsCopy: request.fields.acceptsCopy,
            hasOrigin: request.hasOrigin)
    }

    private func http1(_ text: String) -> Outcome {
        let bytes = Array(text.utf8)
        return switch bytes.withUnsafeBytes({ self.recogniser.recognise($0) }) {
        case .key(let request): self.outcome(request, bytes)
        case .other, .notFramable, .incompleteHead: .other
        }
    }

    private func read(_ fields: [(String, String)], isComplete: Bool = true) -> Outcome {
        var reader = HTTP2RequestReader(self.recogniser)
        switch reader.read(HPACKHeaders(fields), isComplete: isComplete) {
        case .key(let request, let bytes): return self.outcome(request, Array(bytes.readableBytesView))
        case .other: return .other
        case .refused(let answer): return .refused(answer.status)
        }
    }

    private func http2(_ text: String) -> Outcome? {
        HTTP2Client.list(of: text).map { self.read($0.fields, isComplete: $0.body == nil) }
    }

    private static let targets = [
        "/cache/k", "/cache/k%41", "/cache/k:1.2-3_~", "/cache/stats", "/cache/invalidate", "/cache/.", "/cache/..", "/cache/%2e", "/cache/",
        "/cache",
        "/cachex/k", "/cache/a/b", "/cache/a?b=c", "/cache/%4", "/cache/%zz", "/health", "/", "/cache/a|b",
    ]
    private static let fields = [
        "X-Request-Id: id", "X-Request-Id: not usable", "X-API-Key: secret", "Authorization: Bearer secret", "Cookie: a=b", "Accept: */*",
        "Cache-Control: no-cache", "Cache-Control: max-age=0", "Pragma: no-cache", "Origin: https://a", "Content-Encoding: gzip", "Content-Length: 0",
        "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "X-Cloud-Trace-Context: 105445aa7843bc8bf206b12000100000/1;o=1",
        "X-Empty:", "Trailer: x", "Content-Length: 5", "Content-Length: 101", "Content-Length: x", "X-Request-Id: é", "Host: h",
    ]

    @Test func everyTargetAndMethod() {
        for target in Self.targets {
            for method in ["GET", "DELETE", "HEAD", "PUT", "OPTIONS"] {
                let text = "\(method) \(target) HTTP/1.1\r\nHost: h\r\n\r\n"
                #expect(self.http2(text) == self.http1(text), "\(text)")
            }
            let text = "POST \(target) HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n{\"a\":"
            #expect(self.http2(text) == self.http1(text), "\(text)")
        }
    }

    @Test func randomFields() {
        let seed = UInt64.random(in: .min ... .max)
        var random = SplitMix64(seed: seed)
        var keys = 0
        for _ in 0..<3000 {
            let lines = (0..<Int.random(in: 0...4, using: &random)).map { _ in Self.fields.randomElement(using: &random) ?? "" }
            // Two hosts are refused here and the codec's there; a body that is not what its length says is nobody's.
            guard !lines.contains("Host: h"), lines.filter({ $0.hasPrefix("Content-Length") }).count < 2 else { continue }
            let isPost = Bool.random(using: &random)
            let length = lines.first { $0.hasPrefix("Content-Length: ") }.flatMap { Int($0.dropFirst(16)) } ?? 0
            let head = isPost ? "POST /cache" : "GET /cache/k"
            let text = "\(head) HTTP/1.1\r\nHost: h\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\n" + String(repeating: "b", count: length)
            guard let found = self.http2(text) else { continue }
            var expected = self.http1(text)
            // A value with other than visible ASCII is of no interest here unless its field counts.
            if lines.contains("X-Request-Id: é"), case .other = expected { expected = found == .other ? .other : expected }
            // There the codec refuses it.
            if lines.contains("Content-Length: x") { expected = .refused(.badRequest) }
            #expect(found == expected, "seed \(seed): \(text)")
            if case .key = found { keys += 1 }
        }
        #expect(keys > 100)
    }

    @Test func hosts() {
        let plain = [(":method", "GET"), (":scheme", "http"), (":path", "/cache/k")]
        #expect(self.read(plain) == .refused(.badRequest))
        for (authority, host, isFine) in [
            ("h", nil, true), (nil, "h", true), ("h", "h", true), ("h", "g", false), ("h h", nil, false), ("h/p", nil, false), ("user@h", nil, false),
        ] as [(String?, String?, Bool)] {
            let fields = plain + (authority.map { [(":authority", $0)] } ?? []) + (host.map { [("host", $0)] } ?? [])
            #expect((self.read(fields) == .refused(.badRequest)) == !isFine, "\(fields)")
        }
        #expect(self.read(plain + [("host", "h"), ("host", "h")]) == .refused(.badRequest))
        #expect(self.read(plain + [(":authority", "")]) == .other, "an empty host is the router's, as in HTTP/1.1")
    }

    @Test func bounds() {
        let plain = [(":method", "GET"), (":scheme", "http"), (":path", "/cache/k"), (":authority", "h")]
        #expect(self.read(plain + (0..<20).map { ("x-\($0)", "") }) != .refused(.requestHeaderFieldsTooLarge))
        #expect(self.read(plain + (0..<21).map { ("x-\($0)", "") }) == .refused(.requestHeaderFieldsTooLarge))
        #expect(self.read(plain + [("x", String(repeating: "y", count: 4096))]) == .refused(.requestHeaderFieldsTooLarge))
    }

    @Test(arguments: ["", "no-slash", "http://h/cache/k", "*", "/cache/a b", "/cache/\u{7f}", "/cache/\n", "/cache/é", "/cache/\u{FFFD}"])
    func pathsThatAreNone(_ path: String) {
        #expect(
            self.read([(":method", "GET"), (":scheme", "http"), (":path", path), (":authority", "h")])
                == (path.isEmpty ? .other : .refused(.badRequest)))
    }

    /// What Swift takes for a number is not all that HTTP does, and what stands in HTTP/1.1 around a value is part of it here.
    @Test(arguments: ["+5", "-0", " 5", "5 ", "5, 5", "5,5", "", "0x5", "5.0", "٥"]) func lengthsThatAreNone(_ length: String) {
        let post = [(":method", "POST"), (":scheme", "http"), (":path", "/cache"), (":authority", "h")]
        #expect(self.read(post + [("content-length", length)], isComplete: false) == .refused(.badRequest))
        #expect(self.read(post + [("content-length", "5"), ("content-length", length)], isComplete: false) == .refused(.badRequest))
    }

    @Test func lengths() {
        let post = [(":method", "POST"), (":scheme", "http"), (":path", "/cache"), (":authority", "h")]
        #expect(self.read(post + [("content-length", "5"), ("content-length", "5")], isComplete: false) == .refused(.badRequest))
        #expect(self.read(post + [("content-length", "005")], isComplete: false) == self.read(post + [("content-length", "5")], isComplete: false))
        #expect(self.read(post + [("content-length", "123456789012345678")], isComplete: false) == .other, "too long, which the router says")
    }

    @Test func requestsThatAreNotWhole() {
        let get = [(":method", "GET"), (":scheme", "http"), (":path", "/cache/k"), (":authority", "h")]
        #expect(self.read(get, isComplete: false) == .other, "a body may follow")
        let post = [(":method", "POST"), (":scheme", "http"), (":path", "/cache"), (":authority", "h")]
        #expect(self.read(post, isComplete: false) == .other, "its length is not known")
        #expect(self.read(post + [("content-length", "0")], isComplete: false) == .other)
        #expect(self.read([(":method", "CONNECT"), (":authority", "h")]) == .other)
        #expect(self.read(get + [("x-request-id", " id")]) == .other, "a blank that HTTP/1.1 would strip")
    }
}
