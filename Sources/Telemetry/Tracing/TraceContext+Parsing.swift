extension TraceContext {
    /// Length of the trace's id, in hexadecimal digits.
    package static let traceIDCount = 32

    /// Where the trace's id stands in a value of `traceparent`.
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

    /// Reads the fields of a request: `traceparent` first, Google's own where that is absent or wrong.
    package init?(traceparent: String?, tracestate: String?, cloudTraceContext: String?) {
        if let traceparent, let context = Self.parse(traceparent, Self.init(traceparent:)) {
            self = context
            // RFC: at least 512 characters are to be handed on; what is longer is not.
            if let tracestate, tracestate.utf8.count <= 512 { self.state = tracestate }
        } else if let cloudTraceContext, let context = Self.parse(cloudTraceContext, Self.init(cloudTraceContext:)) {
            self = context
        } else {
            return nil
        }
    }

    private static func parse(_ text: String, _ read: (UnsafeRawBufferPointer) -> TraceContext?) -> TraceContext? {
        var text = text
        return text.withUTF8 { read(UnsafeRawBufferPointer($0)) }
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
            let byte = bytes[index]
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            default: return nil
            }
            number = number << 4 | UInt64(digit)
        }
        return number
    }
}
