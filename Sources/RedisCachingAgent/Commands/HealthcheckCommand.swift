import ArgumentParser
import NIOCore
import NIOPosix

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Asks the running service whether it is alive, for container health checks: an image without a shell has no curl.
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
        // Settings that are wrong are for `serve` to report.
        let settings = try? AgentSettings.load()
        guard let port = self.port ?? settings?.port ?? SettingCatalogue.port.defaultInteger else { throw ExitCode.failure }
        // A service that listens on every address also listens on this one.
        let isWildcard = ["", "0.0.0.0", "::"].contains(settings?.host ?? "")
        let host = isWildcard ? "127.0.0.1" : settings?.host ?? ""
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

/// One `GET /health/live` to the service on this machine.
enum HealthProbe {
    /// The status line of the answer.
    /// - Throws: if there is none within `limit`.
    static func statusLine(host: String, port: Int, limit: TimeAmount) async throws -> String {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(limit)
            .connect(host: host, port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        let deadline = channel.channel.eventLoop.scheduleTask(in: limit) { channel.channel.close(promise: nil) }
        defer { deadline.cancel() }
        return try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: "GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
            for try await bytes in inbound {
                return String(String(buffer: bytes).prefix { $0 != "\r\n" })
            }
            return "no answer"
        }
    }
}
