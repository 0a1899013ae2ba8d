import Instrumentation
import Logging
import TestSupport
import Testing

@testable import Telemetry

struct ServiceLogHandlerTests {
    private struct Unlucky: Error {}

    @Test func linesCarryTheRequestsTraceAndAreCounted() async throws {
        var pipe = try TestPipe()
        let sink = LogSink(descriptor: pipe.writing, maximumBytes: 65536) { _ in [] }
        let counters = LogCounters()
        let format = LogFormat.text(TextLogFormat(isColoured: false))
        var logger = Logger(label: "test") { _ in ServiceLogHandler(level: .info, format: format, sink: sink, counters: counters) }
        logger[metadataKey: "own"] = "1"
        logger.debug("not wanted")
        logger.info("outside")
        var context = ServiceContext.topLevel
        context.traceContext = TraceContext(traceIDHigh: 0, traceIDLow: 10, spanID: 1, isSampled: false)
        ServiceContext.$current.withValue(context) { logger.error("inside", error: Unlucky(), metadata: ["own": "2"]) }
        await sink.close()
        pipe.closeWriting()
        let lines = await TestPipe.text(of: pipe.reading).split(separator: "\n")
        #expect(lines.count == 2)
        #expect(lines.first?.hasSuffix("outside own=1") == true)
        #expect(lines.last?.hasSuffix("inside trace=0000000000000000000000000000000a error=Unlucky() own=2") == true)
        #expect(counters.count(.info) == 1 && counters.count(.error) == 1 && counters.count(.debug) == 0)
    }
}
