import Glibc
import TestSupport
import Testing

@testable import Telemetry

/// Over real pipes: a reader that reads, one that does not, one that is gone.
struct LogSinkTests {
    private static func line(_ number: Int) -> [UInt8] { Array("line \(number)\n".utf8) }

    @Test func linesKeepTheirOrder() async throws {
        var pipe = try TestPipe()
        let reading = pipe.reading
        let sink = LogSink(descriptor: pipe.writing, maximumBytes: 1 << 20) { _ in [] }
        async let text = TestPipe.text(of: reading)
        for number in 0..<5000 { sink.write(Self.line(number)) }
        await sink.close()
        pipe.closeWriting()
        #expect(await text == (0..<5000).map { "line \($0)\n" }.joined())
        #expect(sink.dropped == 0)
    }

    /// The descriptor takes what it takes, the sink its bound, and the rest is counted: whoever logs never waits.
    @Test func aReaderThatDoesNotReadCostsLinesAndNoTime() async throws {
        var pipe = try TestPipe()
        let reading = pipe.reading
        let sink = LogSink(descriptor: pipe.writing, maximumBytes: 4096) { Array("lost \($0)\n".utf8) }
        let line = [UInt8](repeating: UInt8(ascii: "x"), count: 1023) + [UInt8(ascii: "\n")]
        var written = 0
        while sink.dropped < 10, written < 2000 {
            sink.write(line)
            written += 1
        }
        #expect(sink.dropped == 10)
        let dropped = sink.dropped
        async let text = TestPipe.text(of: reading)
        // Until one finds room.
        var before = sink.dropped
        repeat {
            before = sink.dropped
            sink.write(Self.line(1))
        } while sink.dropped > before
        await sink.close()
        pipe.closeWriting()
        let lines = await text.split(separator: "\n").map(String.init)
        #expect(lines.contains { $0.hasPrefix("lost ") })
        #expect(lines.count { $0.count == 1023 } == written - dropped)
    }

    @Test func aReaderThatIsGoneIsNoTrouble() async throws {
        signal(SIGPIPE, SIG_IGN)
        let pipe = try TestPipe()
        shutdown(pipe.reading, Int32(SHUT_RD))
        let sink = LogSink(descriptor: pipe.writing, maximumBytes: 1 << 20) { _ in [] }
        for number in 0..<100 { sink.write(Self.line(number)) }
        await sink.close()
        #expect(sink.dropped == 0)
    }
}
