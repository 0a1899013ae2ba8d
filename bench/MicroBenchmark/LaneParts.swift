import Access
import Cache
import HTTPWire
import MemoryStore
import NIOCore
import NIOEmbedded

/// The whole of what the service itself does for a request, from the client's bytes to the answer's; the channel of NIO that stands around it writes
/// to memory instead of a socket.
struct LaneParts {
    static var all: [Part] {
        [
            Part(name: "lane-get", repetitions: 500_000) { LaneParts().run($0) },
            Part(name: "lane-get-without-metrics", repetitions: 500_000) { LaneParts(isCounting: false).run($0) },
            Part(name: "lane-get-with-key", repetitions: 500_000) { LaneParts(access: Parts.accessControl()).run($0) },
            Part(name: "lane-set", repetitions: 500_000) { LaneParts(request: self.set).run($0) },
            Part(name: "recognise-head-of-cloud-run", repetitions: 1_000_000, run: self.recognise),
        ]
    }

    private static let set: ByteBuffer = {
        let body = #"{"key":"agent:1234567:profile","value":{"name":"crawler","capabilities":["a","b"]},"ttl":60}"#
        return ByteBuffer(string: "POST /cache HTTP/1.1\r\nHost: cache\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
    }()

    private static func get(secret: ByteBuffer? = nil) -> ByteBuffer {
        let credential = secret.map { "Authorization: Bearer \(String(buffer: $0))\r\n" } ?? ""
        return ByteBuffer(string: "GET /cache/agent:1234567:profile HTTP/1.1\r\nHost: cache\r\n\(credential)\r\n")
    }

    /// The fields that a client library sends, and those that Cloud Run adds: 520 bytes.
    private static func recognise(_ repetitions: Int) {
        let head = ByteBuffer(
            string: """
                GET /cache/agent:1234567:profile HTTP/1.1\r
                Host: redis-caching-agent-a1b2c3d4e5-uc.a.run.app\r
                Accept: */*\r
                Accept-Encoding: gzip, deflate\r
                User-Agent: python-httpx/0.28.1\r
                Authorization: Bearer rca_q5o1cD8Xw3vZk0J7yB2mT9sL4fH6gN1pR8uE5aVxYiQ\r
                X-Cloud-Trace-Context: 105445aa7843bc8bf206b12000100000/1;o=1\r
                traceparent: 00-105445aa7843bc8bf206b12000100000-00f067aa0ba902b7-01\r
                X-Forwarded-For: 203.0.113.7\r
                X-Forwarded-Proto: https\r
                Forwarded: for="203.0.113.7";proto=https\r
                \r

                """)
        let recogniser = RequestRecogniser(maximumHeadBytes: 16384, maximumBodyBytes: 1024)
        for _ in 0..<repetitions {
            guard case .key = head.withUnsafeReadableBytes({ recogniser.recognise($0) }) else { preconditionFailure("the head is canonical") }
        }
    }

    private let channel = EmbeddedChannel()
    private let request: ByteBuffer

    /// - Parameter request: what is sent; nil for a question for the stored key, with the key of `access`.
    private init(request: ByteBuffer? = nil, isCounting: Bool = true, access: (AccessControl, secret: ByteBuffer)? = nil) {
        let store = MemoryStore(MemoryStoreConfiguration())
        // Bound here: a span must not outlive the buffer that it is a view of.
        let (key, value) = (Parts.key, Parts.value)
        _ = store.set(key.readableBytesUInt8Span, value: value.readableBytesUInt8Span, expiresAt: nil, now: .now)
        var settings = HTTPSettings()
        settings.metrics = isCounting
        let scope = EventLoopScope(
            cache: ValueResolver(EmbeddedStore(store)), counters: OperationCounters(isRecording: isCounting), settings: settings, accessLog: nil,
            access: access?.0,
            limiter: Limiter(settings.serviceLimits), eventLoopCount: 1)
        self.request = request ?? Self.get(secret: access?.secret)
        guard (try? self.channel.pipeline.syncOperations.addHandler(scope.makeFastLane())) != nil else { preconditionFailure("the channel is open") }
    }

    private func run(_ repetitions: Int) {
        for _ in 0..<repetitions {
            guard (try? self.channel.writeInbound(self.request)) != nil, let answer = try? self.channel.readOutbound(as: ByteBuffer.self),
                answer.readableBytesView.starts(with: "HTTP/1.1 200".utf8)
            else { preconditionFailure("the answer is there at once") }
        }
    }
}
