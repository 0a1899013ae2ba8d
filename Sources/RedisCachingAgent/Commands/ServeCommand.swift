import ArgumentParser

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Serves until SIGTERM or SIGINT.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "serve", abstract: "Serve the cache over HTTP (the default).")

    func run() async throws {
        let settings = try AgentSettings.loadOrExit()
        do {
            try await AgentService(settings: settings).run()
        } catch let failure as StartFailure {
            writeToStandardError("redis-caching-agent: \(failure.message)")
            throw ExitCode(EXIT_FAILURE)
        }
    }
}

/// Writes one line to standard error.
func writeToStandardError(_ line: String) {
    var bytes = Array(line.utf8)
    bytes.append(UInt8(ascii: "\n"))
    _ = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
}
