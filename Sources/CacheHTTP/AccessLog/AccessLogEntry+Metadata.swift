import Cache
import Logging
import NIOCore

extension AccessLogEntry {
    /// The entry in the form of Cloud Logging's `httpRequest`: its numbers of 64 bits are texts, its times end in `s`.
    /// https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry#HttpRequest
    var metadata: Logger.Metadata {
        var request: Logger.Metadata = [
            "requestMethod": "\(self.method)",
            "requestUrl": "\(self.path)",
            "status": .stringConvertible(self.status.rawValue),
            "responseSize": "\(self.responseBytes)",
            "latency": "\(self.latency)s",
            "protocol": "HTTP/1.1",
        ]
        if let cacheStatus = self.cacheStatus {
            request["cacheLookup"] = .stringConvertible(true)
            if case .hit = cacheStatus.outcome { request["cacheHit"] = .stringConvertible(true) }
        }
        var metadata: Logger.Metadata = [
            "httpRequest": .dictionary(request), "requestId": "\(self.requestIDText)", "handler": "\(self.handler.name)",
        ]
        if let cacheStatus = self.cacheStatus { metadata["store"] = "\(cacheStatus.source.name)" }
        return metadata
    }

    private var latency: String {
        self.text { $0.appendSeconds(nanoseconds: self.nanoseconds) }
    }

    private var requestIDText: String {
        self.text { self.requestID.write(into: &$0) }
    }

    private func text(_ write: (inout ByteCursor) -> Void) -> String {
        var buffer = ByteBuffer()
        buffer.append(maximumCount: RequestID.maximumCount, write)
        return String(buffer: buffer)
    }
}
