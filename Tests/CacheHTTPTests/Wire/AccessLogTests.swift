import Logging
import Testing

@testable import CacheAPI
@testable import HTTPWire

/// Which answers get a line.
@Suite struct AccessLogTests {
    private func log(_ mode: AccessLogSettings.Mode) throws -> AccessLog {
        var settings = AccessLogSettings()
        settings.mode = mode
        settings.slowNanoseconds = 1000
        settings.sampleInterval = 3
        return try #require(AccessLog(settings, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
    }

    @Test func slowAnswersAndFailures() throws {
        let log = try self.log(.slowAndErrors)
        for status in [AnswerStatus.ok, .notFound, .unauthorized, .notImplemented] {
            #expect(!log.wants(status, nanoseconds: 999))
            #expect(log.wants(status, nanoseconds: 1000))
        }
        for status in [AnswerStatus.internalServerError, .serviceUnavailable] { #expect(log.wants(status, nanoseconds: 0)) }
    }

    @Test func oneInSomeWhateverItIs() throws {
        let log = try self.log(.sampled)
        let wanted = (0..<7).map { _ in log.wants(.serviceUnavailable, nanoseconds: 5000) }
        #expect(wanted == [true, false, false, true, false, false, true])
    }

    @Test func offMeansThatThereIsNone() {
        var settings = AccessLogSettings()
        settings.mode = .off
        #expect(AccessLog(settings, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }) == nil)
    }
}
