import Access
import HTTPTypes
import NIOCore
import Telemetry
import Testing

@testable import CacheAPI
@testable import CacheHTTP
@testable import HTTPWire

/// The decisions about a request that every way in shares.
@Suite struct RequestJudgeTests {
    private func bytes<Result>(_ text: String, _ use: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try ByteBuffer(string: text).withUnsafeReadableBytes(use)
    }

    // MARK: Who asks

    /// The secret that is looked up for a credential in "....VALUE....", so that a range that is off by one shows; nil if none is.
    private func secret(_ value: String, _ field: (Range<Int>) -> CredentialField) -> String? {
        self.bytes("....\(value)....") { bytes in
            var found: String?
            _ = RequestJudge.caller(field(4..<(4 + value.utf8.count)), in: bytes) { secret in
                found = String(decoding: secret, as: UTF8.self)
                return .unknown
            }
            return found
        }
    }

    @Test func aKeyIsItsWholeValue() {
        #expect(self.secret("secret", CredentialField.key) == "secret")
        #expect(self.secret("Bearer secret", CredentialField.key) == "Bearer secret")
        #expect(self.secret("", CredentialField.key) == nil)
    }

    @Test(arguments: ["Bearer t.o.k", "bearer t.o.k", "BEARER t.o.k", "bEaReR t.o.k"]) func aBearerTokenFollowsItsScheme(_ value: String) {
        #expect(self.secret(value, CredentialField.authorization) == "t.o.k")
    }

    @Test(arguments: ["", "Bearer", "Bearer ", "Basic dTpw", "Bearer\tt.o.k", "Bearer\u{0}t.o.k", "Bearers t.o.k", "\"earer t.o.k", "Bearert.o.k"])
    func otherSchemesHaveNone(_ value: String) {
        #expect(self.secret(value, CredentialField.authorization) == nil)
    }

    @Test func nobodyAndTwoCredentials() {
        self.bytes("ab") { bytes in
            func caller(_ credential: CredentialField?) -> AccessVerdict {
                RequestJudge.caller(credential, in: bytes) { _ in .anybody }.verdict(AccessScopes.read)
            }
            #expect(caller(nil) == .unauthenticated)
            #expect(caller(.adding(.authorization(1..<2), to: .key(0..<1))) == .rejected)
            #expect(caller(.adding(.key(1..<2), to: .several)) == .rejected)
            #expect(caller(.adding(.key(1..<2), to: nil)) == .allowed)
        }
    }

    @Test func aTargetMayBeAsLongAsItsBound() {
        #expect(!RequestJudge.isTargetTooLong(byteCount: 64, maximum: 64))
        #expect(RequestJudge.isTargetTooLong(byteCount: 65, maximum: 64))
    }

    // MARK: Trace and id

    private static let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    private static let cloud = "105445aa7843bc8bf206b12000100000/1;o=1"

    @Test func theTraceIsThatOfTraceparentIfItNamesOne() throws {
        let text = Self.traceparent + Self.cloud
        let parent = 0..<Self.traceparent.utf8.count
        let google = parent.upperBound..<text.utf8.count
        try self.bytes(text) { bytes in
            let both = try #require(TraceField(traceparent: parent, cloudTraceContext: google, in: bytes))
            #expect(both == .traceparent(parent))
            #expect(String(decoding: bytes[both.id], as: UTF8.self) == "0af7651916cd43dd8448eb211c80319c")
            #expect(RequestJudge.trace(both, in: bytes)?.traceparent == Self.traceparent)
            let second = try #require(TraceField(traceparent: 1..<parent.upperBound, cloudTraceContext: google, in: bytes))
            #expect(second == .cloudTraceContext(google))
            #expect(String(decoding: bytes[second.id], as: UTF8.self) == "105445aa7843bc8bf206b12000100000")
            #expect(RequestJudge.trace(second, in: bytes)?.spanID == 1)
            #expect(TraceField(traceparent: 1..<parent.upperBound, cloudTraceContext: nil, in: bytes) == nil)
            #expect(RequestJudge.trace(nil, in: bytes) == nil)
        }
    }

    @Test func onlyTraceparentHasAState() {
        self.bytes(Self.traceparent + Self.cloud) { bytes in
            let parent = TraceField.traceparent(0..<Self.traceparent.utf8.count)
            let google = TraceField.cloudTraceContext(Self.traceparent.utf8.count..<bytes.count)
            #expect(RequestJudge.trace(parent, state: "a=b", in: bytes)?.state == "a=b")
            #expect(RequestJudge.trace(parent, state: String(repeating: "x", count: 513), in: bytes)?.state == nil)
            #expect(RequestJudge.trace(google, state: "a=b", in: bytes)?.state == nil)
        }
    }

    @Test func anIdIsReceivedOrTheTracesOrMade() {
        #expect(RequestJudge.requestID(received: 3..<5, trace: .cloudTraceContext(10..<60)) == 3..<5)
        #expect(RequestJudge.requestID(received: nil, trace: .cloudTraceContext(10..<60)) == 10..<42)
        #expect(RequestJudge.requestID(received: nil, trace: .traceparent(10..<65)) == 13..<45)
        #expect(RequestJudge.requestID(received: nil, trace: nil) == nil)
    }

    // MARK: Two parsers, one value

    /// The router's fields, put together, say what the lane's ranges say.
    @Test(arguments: [
        ["X-API-Key: secret"], ["Authorization: Bearer t"], ["Authorization: Bearer t", "X-API-Key: secret"], ["X-Request-Id: r-1"],
        ["traceparent: \(traceparent)"], ["X-Cloud-Trace-Context: \(cloud)"], ["traceparent: wrong", "X-Cloud-Trace-Context: \(cloud)"],
        ["X-Request-Id: r-1", "traceparent: \(traceparent)", "X-API-Key: secret"], [],
        ["Cache-Control: no-cache"], ["Cache-Control: no-store", "cache-control: \tmax-age=0 "], ["Cache-Control: no-store"], ["Cache-Control:"],
        ["Cache-Control: max-age=\"0\""], ["PRAGMA: no-cache"], ["Pragma: no-cache", "Cache-Control: no-store"],
        ["Cache-Control: x=\"a", "Cache-Control: no-cache"], ["Cache-Control: x=\"a, no-cache"],
    ])
    func laneAndRouterSeeTheSame(_ fields: [String]) throws {
        let head = "GET /cache/k HTTP/1.1\r\nHost: h\r\n" + fields.map { $0 + "\r\n" }.joined() + "\r\n"
        var headers = HTTPFields()
        for field in fields {
            let parts = field.split(separator: ":", maxSplits: 1)
            headers.append(HTTPField(name: try #require(HTTPField.Name(String(parts[0]))), value: parts.count > 1 ? String(parts[1]) : ""))
        }
        let parsed = ParsedRequest(headers)
        self.bytes(head) { bytes in
            let recogniser = RequestRecogniser(maximumHeadBytes: 4096, maximumBodyBytes: 4096)
            guard case .key(let request) = recogniser.recognise(bytes) else {
                Issue.record("not recognised: \(head)")
                return
            }
            let text = { (range: Range<Int>?) in range.map { String(decoding: bytes[$0], as: UTF8.self) } }
            var id: String?
            if case .received(let received)? = parsed.requestID { id = String(buffer: received) }
            #expect(text(request.requestID) == id)
            #expect(RequestJudge.trace(request.fields.trace, in: bytes) == parsed.trace)
            #expect(text(request.fields.credential.flatMap { RequestJudge.secret($0, in: bytes) }) == parsed.secret)
            #expect(request.fields.acceptsCopy == parsed.fields.acceptsCopy)
            #expect((request.fields.credential == nil) == (parsed.fields.credential == nil))
        }
    }

    @Test func whatOccursTwiceSaysNothing() {
        var headers = HTTPFields()
        for name in ["X-Request-Id", "traceparent", "Origin"] {
            let value = name == "traceparent" ? Self.traceparent : "https://a.example"
            for _ in 0..<2 { headers.append(HTTPField(name: AnswerFieldName.name(name), value: value)) }
        }
        let parsed = ParsedRequest(headers)
        #expect(parsed.fields == RequestFields())
        #expect(parsed.origin == nil && parsed.trace == nil && parsed.requestID == nil)
    }
}
