/// Where a request stands in a trace: W3C Trace Context, level 1 (https://www.w3.org/TR/trace-context/).
package struct TraceContext: Sendable, Hashable {
    /// The trace, not zero.
    package let traceIDHigh: UInt64
    package let traceIDLow: UInt64
    /// The caller's span, not zero.
    package let spanID: UInt64
    package let isSampled: Bool
    /// What other tracing systems told each other, as it came.
    package var state: String?

    package init(traceIDHigh: UInt64, traceIDLow: UInt64, spanID: UInt64, isSampled: Bool, state: String? = nil) {
        self.traceIDHigh = traceIDHigh
        self.traceIDLow = traceIDLow
        self.spanID = spanID
        self.isSampled = isSampled
        self.state = state
    }

    /// The trace's id as 32 hexadecimal digits.
    package var traceIDText: String { Self.hex(self.traceIDHigh) + Self.hex(self.traceIDLow) }

    /// The span's id as 16 hexadecimal digits.
    package var spanIDText: String { Self.hex(self.spanID) }

    /// The value of `traceparent` that hands the trace on.
    package var traceparent: String { "00-\(self.traceIDText)-\(self.spanIDText)-\(self.isSampled ? "01" : "00")" }

    private static func hex(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}
