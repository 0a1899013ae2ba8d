package import CacheAPI
package import NIOCore

/// The bounds and switches of the HTTP side.
package struct HTTPSettings: Sendable {
    /// What a request may carry.
    package var limits = RequestLimits()
    /// The longest head of a request in bytes, 1 KiB to 64 KiB; beyond it 431.
    package var maximumHeadBytes = 16 * 1024
    /// How many bytes of later requests are taken in while an answer is pending, 1 KiB to 1 MiB; beyond it the connection is not read.
    package var maximumPipelinedBytes = 64 * 1024
    /// How long a connection may stay without a request, 1 s to 1 h.
    package var idleTimeout = TimeAmount.seconds(120)
    /// How long the bytes of one request may take to arrive, 1 s to 10 min.
    package var requestTimeout = TimeAmount.seconds(30)
    /// How long an idle connection may still bring a request after the stop signal, 0 to 5 s.
    package var drainTimeout = TimeAmount.milliseconds(500)
    /// How long a client may take to read its last answer once the service stops, 1 ms to 10 s.
    package var lastAnswerTimeout = TimeAmount.milliseconds(2000)
    /// How long what a client still sends after its last answer is read and discarded, 0 to 10 s.
    package var lingerTimeout = TimeAmount.milliseconds(1000)
    /// How many bytes of answers wait for a client that does not read, 4 KiB to 1 MiB; beyond it the connection is not read. One answer may be
    /// longer.
    package var maximumUnsentBytes = 64 * 1024
    /// How long the body of a batch's answer may be, 64 KiB to 1 GiB; values beyond it are answered with 413. Cloud Run takes 32 MiB over HTTP/1.1.
    package var maximumBatchResponseBytes = 31 << 20
    /// Whether canonical requests take the fast lane.
    package var fastLane = true
    /// Whether clients may speak HTTP/2 from the start of a connection.
    package var http2 = true
    /// How many streams of HTTP/2 a connection may have open at once, 1 to 1,000.
    package var maximumStreams = 100
    /// How many resets, faults and control frames of each kind a client of HTTP/2 may send in 30 s, 1 to 1,000,000; beyond it the connection ends.
    package var maximumAbuse = 200

    /// How much is served at once.
    package var serviceLimits = ServiceLimits()
    /// Which web pages may use the service; nil for none.
    package var cors: CORSPolicy?
    /// Whether anything is counted, and `/metrics` is served.
    package var metrics = true
    /// Whether `/metrics` is public even if other things are not.
    package var metricsAreOpen = false
    /// Which answers get a line in the log.
    package var accessLog = AccessLogSettings()

    /// Where the files of Swagger UI and ReDoc are; nil if browsers get them from the internet.
    package var documentationDirectory: String?

    package init() {}

    /// The longest body in bytes: a value and its envelope.
    package var maximumBodyBytes: Int { self.limits.maximumValueBytes + 64 * 1024 }
}
