package import Foundation

/// A real redis-server of a test's own: in a temporary directory, on a unix socket and on a port of the loopback that the kernel chose.
///
/// Not Sendable: it belongs to the test that started it, and dies with it at the latest.
package final class RedisServerProcess {
    private static let executable = ["/usr/bin/redis-server", "/usr/local/bin/redis-server"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    /// Whether a redis-server is installed; says so on standard error when not, so that skipped tests have a visible reason.
    package static let isAvailable: Bool = {
        if RedisServerProcess.executable == nil {
            FileHandle.standardError.write(Data("redis-server is not installed in /usr/bin or /usr/local/bin: its tests are skipped\n".utf8))
        }
        return RedisServerProcess.executable != nil
    }()

    package let directory: URL
    /// Path of the unix socket, the same over restarts.
    package let socketPath: String
    /// Port on 127.0.0.1, the same over restarts.
    package var port: Int { self.reservation.port }
    private let isEncrypted: Bool
    /// Lines of redis.conf besides those of this type.
    private let configuration: [String]
    /// Keeps the port while the server is stopped.
    private let reservation: PortReservation
    /// Holds the server's log open, because a closed pipe would end the server at its next line.
    private var process: SpawnedProcess?

    /// Starts a server and waits until it accepts connections.
    ///
    /// - Parameters:
    ///   - isEncrypted: whether TLS is spoken on the port
    ///   - configuration: further lines of redis.conf; a later line wins
    package init(isEncrypted: Bool = false, configuration: [String] = []) throws {
        self.isEncrypted = isEncrypted
        self.directory = FileManager.default.temporaryDirectory.appendingPathComponent("redis-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: self.directory, withIntermediateDirectories: true)
        self.socketPath = self.directory.appendingPathComponent("redis.sock").path
        self.configuration = configuration
        self.reservation = try PortReservation()
        try self.start()
    }

    deinit {
        self.stop()
        try? FileManager.default.removeItem(at: self.directory)
    }

    /// Starts the stopped server again without its data, even if it has an append-only file.
    package func startEmpty() throws {
        try? FileManager.default.removeItem(at: self.directory.appendingPathComponent("appendonlydir"))
        try self.start()
    }

    /// Starts the stopped server again, on the same socket and port; with its data if it is configured to keep them.
    package func start() throws {
        guard let executable = Self.executable else {
            throw TestProcessError(reason: "redis-server is not installed")
        }
        let file = self.directory.appendingPathComponent("redis.conf")
        let lines =
            [
                self.isEncrypted ? "port 0" : "port \(self.port)", self.isEncrypted ? "tls-port \(self.port)" : "tls-port 0", "bind 127.0.0.1",
                "unixsocket \(self.socketPath)", "dir \(self.directory.path)",
                "save \"\"", "appendonly no", "daemonize no",
            ] + self.configuration
        try TestFile.write(lines.joined(separator: "\n"), to: file.path)
        let process = try SpawnedProcess(executable, [file.path])
        self.process = process
        try self.waitUntilReady(process.output)
    }

    /// Ends the server at once, as a crash would, and waits for its end.
    package func stop() {
        guard let process = self.process else {
            return
        }
        process.signal(SIGKILL)
        _ = process.wait()
        self.process = nil
    }

    /// The server keeps its sockets and does nothing (SIGSTOP). On a busy machine the signal takes its time; the server goes on answering until then.
    package func pause() {
        guard let process = self.process else { return }
        process.signal(SIGSTOP)
        while let status = try? String(contentsOfFile: "/proc/\(process.identifier)/stat", encoding: .utf8) {
            // pid (name) state …
            if status[(status.lastIndex(of: ")") ?? status.startIndex)...].dropFirst(2).first == "T" { return }
        }
    }

    /// The server goes on (SIGCONT).
    package func resume() {
        self.process?.signal(SIGCONT)
    }

    /// The line about the unix socket is the last of a start. End of file means that the server gave up.
    private func waitUntilReady(_ output: FileHandle) throws {
        var log = Data()
        while true {
            let data = output.availableData
            guard !data.isEmpty else {
                self.stop()
                throw TestProcessError(reason: "redis-server did not start: \(String(decoding: log, as: UTF8.self))")
            }
            log.append(data)
            if log.range(of: Data("ready to accept connections at".utf8)) != nil {
                return Self.drain(output)
            }
        }
    }

    /// Reads on for as long as the server lives. It writes a line for every handshake that fails, and would wait for a reader once nobody takes them.
    private static func drain(_ output: FileHandle) {
        Thread { while !output.availableData.isEmpty {} }.start()
    }
}

extension RedisServerProcess {
    /// A server that speaks TLS on its port, and nothing else.
    ///
    /// - Parameter clients: whether a client must have a certificate: `yes`, `no` or `optional`
    package convenience init(encrypted certificates: TestCertificates, clients: String = "no", configuration: [String] = []) throws {
        try self.init(
            isEncrypted: true,
            configuration: [
                "tls-cert-file \(certificates.serverCertificate)", "tls-key-file \(certificates.serverKey)",
                "tls-ca-cert-file \(certificates.authority)", "tls-auth-clients \(clients)",
            ] + configuration)
    }
}

extension RedisServerProcess {
    /// Has the server carry out commands of a client of the test's own, over one connection.
    ///
    /// - Parameter commands: words, separated by spaces
    /// - Returns: the replies as they stood on the wire
    @discardableResult
    package func run(_ commands: String...) async throws -> String {
        try await WireClient.connect(port: self.port) { connection in
            try await connection.send(commands.map(Self.encoded).joined() + Self.encoded("QUIT"))
            let replies = try await connection.readToEnd()
            guard replies.hasSuffix("+OK\r\n") else { throw TestProcessError(reason: "unexpected replies: \(replies.prefix(200))") }
            return String(replies.dropLast("+OK\r\n".count))
        }
    }

    /// A command in the protocol of Redis.
    package static func encoded(_ command: String) -> String {
        self.encoded(command.split(separator: " ").map(String.init))
    }
}

@available(*, unavailable)
extension RedisServerProcess: Sendable {}
