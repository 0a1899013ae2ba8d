import Testing

@testable import Telemetry

struct ProcessFiguresTests {
    @Test func fieldsAreFoundBehindAnyName() throws {
        let stat =
            "1234 (a) b (c) ) S 1 2 3 4 5 6 7 8 9 10 250 150 13 14 15 16 9 18 1000 33554432 2048 18446744073709551615 1 1 0 0 0 0 0 4096 0 0 0 0 17 1 0 0\n"
        let figures = try #require(
            ProcessFigures(stat: stat, ticksPerSecond: 100, pageBytes: 4096, bootTimeSeconds: 1_700_000_000, openFiles: 7, maximumOpenFiles: nil))
        #expect(figures.cpuSeconds == 4)
        #expect(figures.threads == 9)
        #expect(figures.startTimeSeconds == 1_700_000_010)
        #expect(figures.virtualBytes == 33_554_432)
        #expect(figures.residentBytes == 2048 * 4096)
        #expect(figures.openFiles == 7 && figures.maximumOpenFiles == nil)
    }

    @Test(arguments: ["", "1 name S", "1 (name", "1 (name) S 1 2 3"]) func nonsenseIsRefused(_ stat: String) {
        #expect(ProcessFigures(stat: stat, ticksPerSecond: 100, pageBytes: 1, bootTimeSeconds: 0, openFiles: 0, maximumOpenFiles: 0) == nil)
    }

    @Test func thisProcess() throws {
        let figures = try #require(ProcessFigures.read())
        #expect(figures.residentBytes > 1 << 20 && figures.openFiles > 2 && figures.threads > 0)
        #expect(figures.startTimeSeconds > 1_600_000_000)
    }
}
