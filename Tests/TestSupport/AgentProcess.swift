package import Foundation
import NIOConcurrencyHelpers

/// The built program, running as a process of its own on a port that the kernel chose.
package final class AgentProcess: Sendable {
    /// What can go wrong at the start.
    package enum Failure: Error {
        case noProgram(String)
        case didNotStart(String)
    }

    private let process: NIOLockedValueBox<Process>
    package let port: Int
    private let log: OutputCollector

    private init(_ process: Process, port: Int, log: OutputCollector) {
        self.process = NIOLockedValueBox(process)
        self.port = port
        self.log = log
    }

    /// Where SwiftPM put the program: beside the test bundle.
    package static var program: URL {
        get throws {
            var folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
            for _ in 0..<4 {
                let candidate = folder.appendingPathComponent("redis-caching-agent")
                if FileManager.default.isExecutableFile(atPath: candidate.path) { return candidate }
                folder.deleteLastPathComponent()
            }
            throw Failure.noProgram(CommandLine.arguments[0])
        }
    }

    /// A process of the program that has not been started.
    package static func make(_ arguments: [String] = [], environment: [String: String]) throws -> Process {
        let process = Process()
        process.executableURL = try self.program
        process.arguments = arguments
        var variables = environment
        variables["PATH"] = ProcessInfo.processInfo.environment["PATH"]
        variables["SWIFT_BACKTRACE"] = "enable=no"
        variables["LD_LIBRARY_PATH"] = ProcessInfo.processInfo.environment["LD_LIBRARY_PATH"]
        process.environment = variables
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        return process
    }

    /// Starts the program and waits until it serves.
    package static func start(_ environment: [String: String] = [:]) async throws -> AgentProcess {
        let settings = ["HOST": "127.0.0.1", "PORT": "0", "MEMORY_MAX_BYTES": "67108864"].merging(environment) { $1 }
        let process = try self.make(environment: settings)
        let log = OutputCollector()
        process.standardError = log.pipe
        try process.run()
        do {
            let line = try await log.line { $0.contains("serving on port ") }
            guard let word = line.components(separatedBy: "serving on port ").last?.prefix(while: \.isNumber), let port = Int(word) else {
                throw Failure.didNotStart(line)
            }
            return AgentProcess(process, port: port, log: log)
        } catch {
            process.terminate()
            throw Failure.didNotStart(log.text)
        }
    }

    /// Runs the program to its end.
    package static func runToEnd(
        _ arguments: [String] = [], environment: [String: String] = [:]
    ) async throws -> (status: Int32, output: String, errors: String) {
        let process = try self.make(arguments, environment: environment)
        let output = OutputCollector()
        let errors = OutputCollector()
        process.standardOutput = output.pipe
        process.standardError = errors.pipe
        try await self.run(process)
        await output.finished()
        await errors.finished()
        return (process.terminationStatus, output.text, errors.text)
    }

    private static func run(_ process: Process) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            process.terminationHandler = { _ in continuation.resume() }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
    }

    /// What the program has logged so far.
    package var logged: String { self.log.text }

    /// The id of the process.
    package var processIdentifier: Int32 { self.process.withLockedValue { $0.processIdentifier } }

    /// Sends SIGTERM and waits for the end.
    /// - Returns: the exit status.
    package func terminate() async -> Int32 {
        await withCheckedContinuation { continuation in
            self.process.withLockedValue { process in
                process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
                if process.isRunning { process.terminate() } else { continuation.resume(returning: process.terminationStatus) }
            }
        }
    }

    /// Starts the program, gives it to `body`, and ends it.
    package static func with<Result>(
        _ environment: [String: String] = [:], _ body: (AgentProcess) async throws -> Result
    ) async throws -> Result {
        let agent = try await self.start(environment)
        do {
            let result = try await body(agent)
            _ = await agent.terminate()
            return result
        } catch {
            _ = await agent.terminate()
            throw error
        }
    }
}
