import Access
import CacheAPI
import HTTPTypes
import HTTPWire
import Hummingbird
import Logging
import NIOCore
import Telemetry

/// What the router knows of a request besides the request.
struct CacheRequestContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// The connection.
    let channel: any Channel
    /// Its event loop, on which the cache is asked.
    var eventLoop: any EventLoop { self.channel.eventLoop }
    /// The version of HTTP that the client speaks. The channel of a stream is a child of its connection's, which is one of the listening one.
    var version: WireVersion { self.channel.parent?.parent == nil ? .http1 : .http2 }
    /// When the request reached the router, in nanoseconds of the monotonic clock.
    let start: Int
    /// The fields by which the request is judged. The outermost middleware sets them.
    var parsed = ParsedRequest()
    /// Who asks.
    var caller = AccessCaller.anonymous

    init(source: ApplicationRequestContextSource) {
        self.coreContext = .init(source: source)
        self.channel = source.channel
        self.start = EventLoopScope.now()
    }
}

/// A request of the router as `RequestJudge` sees it: its few fields put together, and ranges of them.
struct ParsedRequest: Sendable {
    private var bytes = ByteBuffer()
    private(set) var fields = RequestFields()
    /// The trace that the request belongs to, by `traceparent` or Google's own field.
    private(set) var trace: TraceContext?
    /// What the request expects of the value.
    private(set) var conditions = RequestConditions()

    init() {}

    init(_ headers: HTTPFields) {
        for value in headers[values: AnswerFieldName.apiKeyName] {
            self.fields.credential = .adding(.key(self.add(value)), to: self.fields.credential)
        }
        for value in headers[values: .authorization] {
            self.fields.credential = .adding(.authorization(self.add(value)), to: self.fields.credential)
        }
        self.fields.origin = self.add(only: headers[values: Self.originName])
        self.conditions.ifMatch = Self.list(headers[values: .ifMatch])
        self.conditions.ifNoneMatch = Self.list(headers[values: .ifNoneMatch])
        self.fields.acceptsCopy = Self.copyPreference(headers).acceptsCopy
        var received = self.add(only: headers[values: AnswerFieldName.requestIDName])
        if let range = received, !self.bytes.withUnsafeReadableBytes({ RequestID.isUsable($0, range) }) { received = nil }
        let traceparent = self.add(only: headers[values: Self.traceparentName])
        let cloudTraceContext = self.add(only: headers[values: Self.cloudTraceContextName])
        self.bytes.withUnsafeReadableBytes { bytes in
            self.fields.trace = TraceField(traceparent: traceparent, cloudTraceContext: cloudTraceContext, in: bytes)
            self.trace = RequestJudge.trace(self.fields.trace, state: headers[Self.tracestateName], in: bytes)
        }
        self.fields.requestID = RequestJudge.requestID(received: received, trace: self.fields.trace)
    }

    private static func copyPreference(_ headers: HTTPFields) -> CopyPreference {
        var preference = CopyPreference()
        for value in headers[values: .cacheControl] { ByteBuffer(string: value).withUnsafeReadableBytes { preference.add(cacheControl: $0) } }
        for value in headers[values: Self.pragmaName] { ByteBuffer(string: value).withUnsafeReadableBytes { preference.add(pragma: $0) } }
        return preference
    }

    /// The lines of a field that is a list (RFC 9110, section 5.3); nil if there are none.
    private static func list(_ values: [String]) -> ByteBuffer? {
        values.isEmpty ? nil : ByteBuffer(string: values.joined(separator: ", "))
    }

    private mutating func add(_ value: String) -> Range<Int> {
        let start = self.bytes.readableBytes
        self.bytes.writeString(value)
        return start..<self.bytes.readableBytes
    }

    /// A field that occurs more than once counts as absent.
    private mutating func add(only values: [String]) -> Range<Int>? { values.count == 1 ? self.add(values[0]) : nil }

    /// The id that the request brings; nil if one must be made.
    var requestID: CacheAPI.RequestID? {
        self.fields.requestID.flatMap { self.bytes.getSlice(at: $0.lowerBound, length: $0.count) }.map { .received($0) }
    }

    /// The secret that the request shows.
    var secret: String? {
        guard let credential = self.fields.credential else { return nil }
        return self.bytes.withUnsafeReadableBytes { bytes in
            RequestJudge.secret(credential, in: bytes).map { String(decoding: bytes[$0], as: UTF8.self) }
        }
    }

    /// The origin of the web page that asks.
    var origin: String? { self.fields.origin.flatMap { self.bytes.getString(at: $0.lowerBound, length: $0.count) } }

    /// Who asks, as far as is known at once.
    func caller(_ control: AccessControl, now: Int) -> AccessCaller {
        self.bytes.withUnsafeReadableBytes { bytes in
            RequestJudge.caller(self.fields.credential, in: bytes) { control.caller($0, now: now).caller }
        }
    }

    private static let pragmaName = AnswerFieldName.name("Pragma")
    private static let originName = AnswerFieldName.name("Origin")
    private static let traceparentName = AnswerFieldName.name("traceparent")
    private static let tracestateName = AnswerFieldName.name("tracestate")
    private static let cloudTraceContextName = AnswerFieldName.name("X-Cloud-Trace-Context")
}
