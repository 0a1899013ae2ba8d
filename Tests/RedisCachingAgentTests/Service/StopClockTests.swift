import Logging
import ServiceLifecycle
import Testing

@testable import RedisCachingAgent

@Suite struct StopClockTests {
    /// Whatever a service does, the process ends before the platform kills it, which Cloud Run does 10 s after the signal.
    @Test func everyPartOfTheStopIsBounded() throws {
        var configuration = ServiceGroupConfiguration(services: [StopClock()], logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        StopClock.bound(&configuration, graceSeconds: 8)
        let grace = try #require(configuration.maximumGracefulShutdownDuration)
        let cancellation = try #require(configuration.maximumCancellationDuration)
        #expect(grace == .seconds(8))
        #expect(grace + cancellation < .seconds(10))
    }
}
