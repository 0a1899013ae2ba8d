import Bytes
package import ServiceContextModule

/// The place of a request in a trace: W3C Trace Context, level 1 (https://www.w3.org/TR/trace-context/).
package struct TraceContext: Sendable, Hashable {
    /// The trace, not zero.
    package let traceIDHigh: UInt64
    package let traceIDLow: UInt64
    /// The caller's span, not zero.
    package let spanID: UInt64
    package let isSampled: Bool
    /// The `tracestate` of other tracing systems, as received.
    package var state: String?

    package init(traceIDHigh: UInt64, traceIDLow: UInt64, spanID: UInt64, isSampled: Bool, state: String? = nil) {
        self.traceIDHigh = traceIDHigh
        self.traceIDLow = traceIDLow
        self.spanID = spanID
        self.isSampled = isSampled
        self.state = state
    }

    /// The trace's id as 32 hexadecimal digits.
    package var traceIDText: String { Hexadecimal.text(self.traceIDHigh) + Hexadecimal.text(self.traceIDLow) }

    /// The span's id as 16 hexadecimal digits.
    package var spanIDText: String { Hexadecimal.text(self.spanID) }

    /// The value of `traceparent` that passes the trace on.
    package var traceparent: String { "00-\(self.traceIDText)-\(self.spanIDText)-\(self.isSampled ? "01" : "00")" }
}

extension TraceContext {
    /// Length of the trace's id, in hexadecimal digits.
    package static let traceIDCount = 32

    /// The offset of the trace's id in a value of `traceparent`.
    package static let traceIDOffset = 3

    /// Reads a value of `traceparent`: `VERSION-TRACEID-SPANID-FLAGS` in lower-case hexadecimal digits. A version after 00 may have more behind that,
    /// which is not read.
    package init?(traceparent bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= 55, bytes[2] == UInt8(ascii: "-"), bytes[35] == UInt8(ascii: "-"), bytes[52] == UInt8(ascii: "-") else { return nil }
        guard let version = Self.hex(bytes, 0..<2), version != 0xff,
            version > 0 ? bytes.count == 55 || bytes[55] == UInt8(ascii: "-") : bytes.count == 55
        else { return nil }
        guard let high = Self.hex(bytes, 3..<19), let low = Self.hex(bytes, 19..<35), high | low != 0,
            let span = Self.hex(bytes, 36..<52), span != 0, let flags = Self.hex(bytes, 53..<55)
        else { return nil }
        self.init(traceIDHigh: high, traceIDLow: low, spanID: span, isSampled: flags & 1 == 1)
    }

    /// Reads a value of `X-Cloud-Trace-Context`: `TRACEID/SPANID;o=OPTIONS`, the span in decimal digits.
    package init?(cloudTraceContext bytes: UnsafeRawBufferPointer) {
        guard bytes.count > 33, bytes[32] == UInt8(ascii: "/"), let high = Self.hex(bytes, 0..<16), let low = Self.hex(bytes, 16..<32),
            high | low != 0
        else { return nil }
        let end = bytes.firstIndex(of: UInt8(ascii: ";")) ?? bytes.count
        guard end > 33, let span = Self.decimal(bytes, 33..<end), span != 0 else { return nil }
        let isSampled =
            bytes.count == end + 4 && bytes[end + 1] == UInt8(ascii: "o") && bytes[end + 2] == UInt8(ascii: "=")
            && (bytes[end + 3] == UInt8(ascii: "1") || bytes[end + 3] == UInt8(ascii: "3"))
        self.init(traceIDHigh: high, traceIDLow: low, spanID: span, isSampled: isSampled)
    }

    private static func decimal(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> UInt64? {
        var number: UInt64 = 0
        for index in range {
            let digit = bytes[index] &- UInt8(ascii: "0")
            let (product, overflows) = number.multipliedReportingOverflow(by: 10)
            let (sum, overflowsToo) = product.addingReportingOverflow(UInt64(digit))
            guard digit <= 9, !overflows, !overflowsToo else { return nil }
            number = sum
        }
        return number
    }

    /// The number in a range of lower-case hexadecimal digits.
    private static func hex(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> UInt64? {
        guard range.upperBound <= bytes.count else { return nil }
        var number: UInt64 = 0
        for index in range {
            // Both headers allow lower case only.
            guard let digit = Hexadecimal.valueOfLowercase(bytes[index]) else { return nil }
            number = number << 4 | UInt64(digit)
        }
        return number
    }
}

private enum TraceContextKey: ServiceContextKey {
    typealias Value = TraceContext
    static var nameOverride: String? { "trace-context" }
}

extension ServiceContext {
    /// The trace that the current request belongs to.
    package var traceContext: TraceContext? {
        get { self[TraceContextKey.self] }
        set { self[TraceContextKey.self] = newValue }
    }
}
