import ArgumentParser
import NIOCore
import NIOPosix

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Asks the running service whether it lives, for container health checks: images without a shell have no curl.
struct HealthcheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "healthcheck",
        abstract: "Exit with 0 if the service on this machine answers GET /health/live with 200, else with 1."
    )

    @Option(help: "The port to ask; by default PORT, as serve takes it.")
    var port: Int?

    @Option(help: "How long to wait for the answer, in milliseconds.")
    var timeout: Int = 2000

    func run() async throws {
        let address = try? AgentSettings.load()
        let port = self.port ?? address?.port ?? 8080
        // Listening on every address includes this one.
        let isWildcard = ["", "0.0.0.0", "::"].contains(address?.host ?? "")
        let host = isWildcard ? "127.0.0.1" : address?.host ?? ""
        let limit = TimeAmount.milliseconds(Int64(max(1, self.timeout)))
        do {
            let status = try await HealthProbe.statusLine(host: host, port: port, limit: limit)
            guard status.hasPrefix("HTTP/1.1 200") else {
                writeToStandardError("unhealthy: \(status)")
                throw ExitCode.failure
            }
        } catch let code as ExitCode {
            throw code
        } catch {
            writeToStandardError("unhealthy: no answer on port \(port)")
            throw ExitCode.failure
        }
    }
}
