import Foundation
import Glibc

/// The built program, running as a process of its own on a port that the kernel chose.
package struct AgentProcess: Sendable {
    private let process: SpawnedProcess
    private let errors: OutputCollector
    package let port: Int

    /// Where SwiftPM put the program: in the folder of the test bundle.
    private static func program() throws -> String {
        var folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        for _ in 0..<4 {
            let candidate = folder.appendingPathComponent("redis-caching-agent").path
            if FileManager.default.isExecutableFile(atPath: candidate) { return candidate }
            folder.deleteLastPathComponent()
        }
        throw TestProcessError(reason: "the program is not beside \(CommandLine.arguments[0])")
    }

    private static func spawn(_ arguments: [String], _ environment: [String: String]) throws -> SpawnedProcess {
        var variables = environment
        for name in ["PATH", "LD_LIBRARY_PATH", "LD_PRELOAD", "ASAN_OPTIONS", "TSAN_OPTIONS", "LLVM_PROFILE_FILE"] {
            variables[name] = ProcessInfo.processInfo.environment[name]
        }
        variables["SWIFT_BACKTRACE"] = "enable=no"
        return try SpawnedProcess(try self.program(), arguments, environment: variables)
    }

    /// Starts the program and waits until it serves.
    package static func start(_ environment: [String: String] = [:]) async throws -> AgentProcess {
        try await self.launch(environment).serving()
    }

    /// Starts the program and waits for nothing. It has no port yet.
    package static func launch(_ environment: [String: String] = [:]) throws -> AgentProcess {
        let settings = ["HOST": "127.0.0.1", "PORT": "0", "MEMORY_MAX_BYTES": "67108864"].merging(environment) { $1 }
        let process = try self.spawn([], settings)
        return AgentProcess(process: process, errors: OutputCollector(process.errors), port: 0)
    }

    /// Waits until the program serves.
    package func serving() async throws -> AgentProcess {
        let line = await self.errors.line { $0.contains("serving on port ") }
        let digits = line?.components(separatedBy: "serving on port ").last?.prefix(while: \.isNumber)
        guard let port = digits.flatMap({ Int($0) }) else {
            self.process.signal(SIGKILL)
            _ = await self.process.end()
            throw TestProcessError(reason: "the program did not start: \(self.errors.text)")
        }
        return AgentProcess(process: self.process, errors: self.errors, port: port)
    }

    /// Waits until the program has logged the text; false if it ends without, or does not log it in time.
    package func logs(_ text: String) async -> Bool { await self.errors.line { $0.contains(text) } != nil }

    /// Runs the program to its end.
    package static func runToEnd(
        _ arguments: [String] = [],
        environment: [String: String] = [:]
    ) async throws -> (status: Int32, output: String, errors: String) {
        let process = try self.spawn(arguments, environment)
        let output = OutputCollector(process.output)
        let errors = OutputCollector(process.errors)
        let kill = Task {
            try await Task.sleep(for: patience)
            process.signal(SIGKILL)
        }
        defer { kill.cancel() }
        let status = await process.end()
        return (status, await output.wholeText(), await errors.wholeText())
    }

    /// What the program has logged so far.
    package var logged: String { self.errors.text }

    /// Everything that the program has logged, once it has ended.
    package func allLogged() async -> String { await self.errors.wholeText() }

    /// The program's arguments, as everybody on the machine can see them.
    package func commandLine() throws -> String {
        try String(contentsOfFile: "/proc/\(self.process.identifier)/cmdline", encoding: .utf8)
    }

    /// Resident memory of the program now.
    package func residentBytes() throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(self.process.identifier)/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        guard let kibibytes = line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Int($0) }) else {
            throw TestProcessError(reason: "no VmRSS in \(status)")
        }
        return kibibytes * 1024
    }

    /// The scheduling policy of every thread, by its name (proc_pid_stat(5), field 41).
    package func schedulingPolicies() throws -> [(name: String, policy: Int)] {
        let folder = "/proc/\(self.process.identifier)/task"
        return try FileManager.default.contentsOfDirectory(atPath: folder).compactMap { thread in
            let text = try String(contentsOfFile: "\(folder)/\(thread)/stat", encoding: .utf8)
            guard let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")") else { return nil }
            // The fields behind the name, of which the first is the third of the line.
            let fields = text[text.index(after: close)...].split(separator: " ")
            guard fields.count > 38, let policy = Int(fields[38]) else { return nil }
            return (String(text[text.index(after: open)..<close]), policy)
        }
    }

    /// Sends SIGTERM and waits for the end. Must be called once.
    /// - Returns: the exit status; 137 if the program did not end in time.
    package func terminate() async -> Int32 {
        self.process.signal(SIGTERM)
        let kill = Task {
            try await Task.sleep(for: patience)
            self.process.signal(SIGKILL)
        }
        defer { kill.cancel() }
        return await self.process.end()
    }

    /// Starts the program, gives it to `body`, and ends it.
    package static func with<Result>(
        _ environment: [String: String] = [:],
        _ body: (AgentProcess) async throws -> Result
    ) async throws -> Result {
        let agent = try await self.start(environment)
        do {
            let result = try await body(agent)
            await agent.end()
            return result
        } catch {
            await agent.end()
            throw error
        }
    }

    /// Ends the program without waiting for its clients. A program whose coverage is measured writes its profile at exit, so it may stop by itself.
    private func end() async {
        let isMeasured = ProcessInfo.processInfo.environment["LLVM_PROFILE_FILE"] != nil
        if isMeasured {
            _ = await self.terminate()
        } else {
            self.process.signal(SIGKILL)
            _ = await self.process.end()
        }
    }
}
