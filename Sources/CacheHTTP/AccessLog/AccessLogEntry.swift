import Cache
import NIOCore
import Telemetry

/// What a line of the access log says. Never a value; keys are shortened.
struct AccessLogEntry {
    let method: String
    /// The path without its query, shortened.
    let path: String
    let status: AnswerStatus
    let responseBytes: Int
    let nanoseconds: Int
    let requestID: RequestID
    let cacheStatus: CacheStatus?
    let handler: RequestHandlerKind
    let trace: TraceContext?

    /// How much of a path is shown, in bytes: enough to recognise a kind of key, not enough to carry what keys should not.
    private static let maximumPathBytes = 48

    static func shortened(_ path: some Sequence<UInt8>) -> String {
        let bytes = Array(path.prefix(self.maximumPathBytes + 1))
        guard bytes.count > self.maximumPathBytes else { return String(decoding: bytes, as: UTF8.self) }
        // Not in the middle of a character.
        var end = self.maximumPathBytes
        while end > 0, bytes[end] & 0xc0 == 0x80 { end -= 1 }
        return String(decoding: bytes[..<end], as: UTF8.self) + "…"
    }
}
