import Testing

@testable import Telemetry

struct TraceContextTests {
    private static let trace = "0af7651916cd43dd8448eb211c80319c"
    private static let span = "b7ad6b7169203331"
    private static let sampled = "00-\(trace)-\(span)-01"

    private func parse(_ traceparent: String) -> TraceContext? { Array(traceparent.utf8).withUnsafeBytes { TraceContext(traceparent: $0) } }

    private func parse(cloud: String) -> TraceContext? { Array(cloud.utf8).withUnsafeBytes { TraceContext(cloudTraceContext: $0) } }

    @Test func traceparent() throws {
        let context = try #require(self.parse(Self.sampled))
        #expect(context.traceIDText == Self.trace && context.spanIDText == Self.span && context.isSampled)
        #expect(context.traceparent == Self.sampled)
        #expect(self.parse("00-\(Self.trace)-\(Self.span)-00")?.isSampled == false)
        #expect(self.parse("00-\(Self.trace)-\(Self.span)-03")?.isSampled == true)
        #expect(self.parse("cc-\(Self.trace)-\(Self.span)-01-what-comes-later") != nil, "a later version")
        #expect(self.parse("cc-\(Self.trace)-\(Self.span)-01") != nil)
    }

    @Test(arguments: [
        "", "00", "00-\(trace)-\(span)-0", "00-\(trace)-\(span)-01-more", "ff-\(trace)-\(span)-01", "cc-\(trace)-\(span)-01.more",
        "00-\(String(repeating: "0", count: 32))-\(span)-01", "00-\(trace)-0000000000000000-01", "00-\(trace.uppercased())-\(span)-01",
        "00_\(trace)-\(span)-01", "00-\(trace)_\(span)-01", "00-\(trace)-\(span)_01", "0x-\(trace)-\(span)-01", "00-\(trace)-\(span)-0x",
        "00-\(trace.dropLast())g-\(span)-01", " 00-\(trace)-\(span)-01",
    ])
    func notATraceparent(_ text: String) {
        #expect(self.parse(text) == nil)
    }

    /// Google writes the span in decimal digits.
    @Test(arguments: [
        ("\(trace)/123;o=1", "000000000000007b", true), ("\(trace)/123;o=0", "000000000000007b", false), ("\(trace)/123", "000000000000007b", false),
        ("\(trace)/18446744073709551615;o=1", "ffffffffffffffff", true), ("\(trace)/1;o=3", "0000000000000001", true),
    ])
    func cloudTraceContext(_ text: String, _ span: String, _ isSampled: Bool) throws {
        let context = try #require(self.parse(cloud: text))
        #expect(context.traceIDText == Self.trace && context.spanIDText == span && context.isSampled == isSampled)
    }

    @Test(arguments: [
        "", trace, "\(trace)/", "\(trace)/0;o=1", "\(trace)/x;o=1", "\(trace)/18446744073709551616", "\(trace)/-1", "\(trace);o=1",
        "\(String(repeating: "0", count: 32))/1;o=1", "\(trace)/;o=1",
    ])
    func notACloudTraceContext(_ text: String) {
        #expect(self.parse(cloud: text) == nil)
    }

    /// Every byte of every position: whatever is read is written as it was.
    @Test func whatIsReadIsWritten() {
        let original = Array(Self.sampled.utf8)
        var read = 0
        for index in original.indices {
            for byte in UInt8.min...UInt8.max {
                var bytes = original
                bytes[index] = byte
                let context = bytes.withUnsafeBytes { TraceContext(traceparent: $0) }
                if let context {
                    read += 1
                    #expect(context.traceparent.utf8.dropFirst(2).dropLast(2).elementsEqual(bytes.dropFirst(2).dropLast(2)))
                }
            }
        }
        // Sixteen digits at most of the positions, and hardly anything else.
        #expect((original.count * 10...original.count * 20).contains(read), "\(read)")
    }
}
