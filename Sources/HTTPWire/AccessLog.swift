import Bytes
import Cache
package import CacheAPI
package import Logging
import NIOCore
import ServiceContextModule
import Synchronization
package import Telemetry

/// Writes a line for each response that the settings select.
package final class AccessLog: Sendable {
    private let settings: AccessLogSettings
    private let logger: Logger
    private let answers = Atomic<Int>(0)
    /// The second that `lines` counts for.
    private let second = Atomic<Int>(0)
    private let lines = Atomic<Int>(0)
    private let droppedLines = Atomic<Int>(0)

    /// - Returns: nil if the access log is off.
    package init?(_ settings: AccessLogSettings, logger: Logger) {
        guard settings.mode != .off else { return nil }
        self.settings = settings
        self.logger = logger
    }

    /// Lines dropped because of the limit per second.
    package var dropped: Int { self.droppedLines.load(ordering: .relaxed) }

    /// Whether a response gets a line. Called for every response.
    package func wants(_ status: AnswerStatus, nanoseconds: Int) -> Bool {
        switch self.settings.mode {
        case .off: false
        case .sampled: self.answers.wrappingAdd(1, ordering: .relaxed).oldValue % self.settings.sampleInterval == 0
        case .slowAndErrors: nanoseconds >= self.settings.slowNanoseconds || status.isFailure
        case .all: true
        }
    }

    /// Writes the line, unless the limit for this second is reached.
    /// - Parameter now: nanoseconds of the monotonic clock.
    package func write(_ entry: AccessLogEntry, now: Int) {
        guard self.admits(second: now / 1_000_000_000) else {
            self.droppedLines.add(1, ordering: .relaxed)
            return
        }
        guard let trace = entry.trace else { return self.write(entry) }
        var context = ServiceContext.topLevel
        context.traceContext = trace
        ServiceContext.$current.withValue(context) { self.write(entry) }
    }

    private func admits(second: Int) -> Bool {
        let counted = self.second.load(ordering: .relaxed)
        if counted != second, self.second.compareExchange(expected: counted, desired: second, ordering: .relaxed).exchanged {
            self.lines.store(0, ordering: .relaxed)
        }
        return self.lines.wrappingAdd(1, ordering: .relaxed).oldValue < self.settings.maximumLinesPerSecond
    }

    private func write(_ entry: AccessLogEntry) {
        self.logger.log(
            level: entry.status.isFailure ? .warning : .info,
            "\(entry.method) \(entry.path) \(entry.status.rawValue)",
            metadata: entry.metadata
        )
    }
}

/// Which responses get a line in the log.
package struct AccessLogSettings: Sendable, Hashable {
    package enum Mode: String, Sendable {
        case off
        /// One in `sampleInterval`.
        case sampled
        /// Those that took `slowNanoseconds` or more, and those with a status of 500 or more.
        case slowAndErrors = "slow-and-errors"
        case all
    }

    package var mode = Mode.slowAndErrors
    /// 1 to 1,000,000.
    package var sampleInterval = 100
    /// 0 to 60 s.
    package var slowNanoseconds = 50_000_000
    /// Lines beyond it are only counted. 1 to 100,000.
    package var maximumLinesPerSecond = 50

    package init() {}
}

/// A line of the access log. It never contains a value, and keys are shortened.
package struct AccessLogEntry {
    let method: String
    /// The path without its query, shortened.
    let path: String
    let status: AnswerStatus
    let responseBytes: Int
    let nanoseconds: Int
    let requestID: RequestID
    let cacheStatus: CacheStatus?
    let handler: RequestHandlerKind
    let version: WireVersion
    let trace: TraceContext?

    package init(
        method: String, path: String, status: AnswerStatus, responseBytes: Int, nanoseconds: Int, requestID: RequestID, cacheStatus: CacheStatus?,
        handler: RequestHandlerKind, version: WireVersion, trace: TraceContext?
    ) {
        self.version = version
        self.method = method
        self.path = path
        self.status = status
        self.responseBytes = responseBytes
        self.nanoseconds = nanoseconds
        self.requestID = requestID
        self.cacheStatus = cacheStatus
        self.handler = handler
        self.trace = trace
    }

    /// Bytes of a path that are shown: enough to recognise a kind of key, too few to carry much that does not belong in a key.
    private static let maximumPathBytes = 48

    package static func shortened(_ path: some Sequence<UInt8>) -> String {
        let bytes = Array(path.prefix(self.maximumPathBytes + 1))
        guard bytes.count > self.maximumPathBytes else { return String(decoding: bytes, as: UTF8.self) }
        // Not in the middle of a character.
        var end = self.maximumPathBytes
        while end > 0, bytes[end] & 0xc0 == 0x80 { end -= 1 }
        return String(decoding: bytes[..<end], as: UTF8.self) + "…"
    }
}

/// The version of HTTP that a client speaks, as Cloud Logging names it.
package enum WireVersion: String, Sendable {
    case http1 = "HTTP/1.1"
    case http2 = "HTTP/2"
}

extension AccessLogEntry {
    /// The entry as Cloud Logging's `httpRequest`, whose 64-bit numbers are strings and whose times end in `s`.
    /// https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry#HttpRequest
    var metadata: Logger.Metadata {
        var request: Logger.Metadata = [
            "requestMethod": "\(self.method)",
            "requestUrl": "\(self.path)",
            "status": .stringConvertible(self.status.rawValue),
            "responseSize": "\(self.responseBytes)",
            "latency": "\(self.latency)s",
            "protocol": "\(self.version.rawValue)",
        ]
        if let cacheStatus = self.cacheStatus {
            request["cacheLookup"] = .stringConvertible(true)
            if case .hit = cacheStatus.outcome { request["cacheHit"] = .stringConvertible(true) }
        }
        var metadata: Logger.Metadata = [
            "httpRequest": .dictionary(request), "requestId": "\(self.requestIDText)", "handler": "\(self.handler.name)",
        ]
        if let source = self.cacheStatus?.source { metadata["store"] = "\(source.name)" }
        return metadata
    }

    private var latency: String {
        self.text { $0.appendSeconds(nanoseconds: self.nanoseconds) }
    }

    private var requestIDText: String {
        self.text { self.requestID.write(into: &$0) }
    }

    private func text(_ write: (inout ByteCursor) -> Void) -> String {
        String(maximumByteCount: RequestID.maximumCount, write)
    }
}
