package import Foundation
import Glibc

/// A child process, started so that tests running at the same time cannot disturb each other.
///
/// Not by Foundation's `Process`: it learns of an end through a socket that children started at the same time inherit, so that waiting for one child
/// can mean waiting for another. Here a child has no descriptor but its own three, and signals are as in a fresh shell: the threads of a test runner
/// block some.
package struct SpawnedProcess: Sendable {
    /// More than tests ever have open. The kernel gives the lowest that is free.
    private static let highestDescriptor: Int32 = 1024

    package let identifier: pid_t
    /// What the child writes to standard output; end of file is its end.
    package let output: FileHandle
    /// What the child writes to standard error.
    package let errors: FileHandle

    /// - Parameter environment: all variables that the child gets.
    package init(_ executable: String, _ arguments: [String], environment: [String: String] = [:]) throws {
        var output: [Int32] = [-1, -1]
        var errors: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &output) == 0,
            socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &errors) == 0
        else { throw TestProcessError(reason: "no socket pair") }
        defer {
            close(output[1])
            close(errors[1])
        }
        self.output = FileHandle(fileDescriptor: output[0], closeOnDealloc: true)
        self.errors = FileHandle(fileDescriptor: errors[0], closeOnDealloc: true)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, errors[1], STDERR_FILENO)
        // SwiftNIO opens sockets that children inherit: one that is closed here would stay open for as long as some child lives.
        for descriptor in (STDERR_FILENO + 1)..<Self.highestDescriptor { posix_spawn_file_actions_addclose(&actions, descriptor) }
        var attributes = Self.freshSignals()
        defer { posix_spawnattr_destroy(&attributes) }
        var words: [UnsafeMutablePointer<CChar>?] = ([executable] + arguments).map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0)=\($1)") } + [nil]
        defer { for pointer in words + variables { free(pointer) } }
        var identifier: pid_t = 0
        guard posix_spawn(&identifier, executable, &actions, &attributes, &words, &variables) == 0 else {
            throw TestProcessError(reason: "\(executable) cannot be started")
        }
        self.identifier = identifier
    }

    /// Nothing blocked, and everything at its default.
    private static func freshSignals() -> posix_spawnattr_t {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        return attributes
    }

    package func signal(_ number: Int32) {
        kill(self.identifier, number)
    }

    /// Waits for the end. Blocks the thread. Must be called exactly once.
    /// - Returns: the exit status, or 128 and the number of the signal that ended the child, as a shell has it.
    package func wait() -> Int32 {
        var status: Int32 = 0
        while waitpid(self.identifier, &status, 0) == -1, errno == EINTR {}
        let signal = status & 0x7f
        return signal == 0 ? (status >> 8) & 0xff : 128 + signal
    }

    /// Waits for the end on a thread of its own. Must be called exactly once, and not with `wait()`.
    package func end() async -> Int32 {
        await withCheckedContinuation { continuation in
            Thread { continuation.resume(returning: self.wait()) }.start()
        }
    }
}

/// A program of the machine that a test puts something before, such as a checker of a format.
package struct CommandLineTool: Sendable {
    private let path: String

    /// - Returns: nil if it is not installed, which is said on standard error.
    package init?(_ name: String) {
        let candidates = ["/usr/bin/\(name)", "/usr/local/bin/\(name)"]
        guard let path = candidates.first(where: { FileManager.default.isExecutableFile(atPath: $0) }) else {
            FileHandle.standardError.write(Data("\(name) is not installed in /usr/bin or /usr/local/bin: its tests are skipped\n".utf8))
            return nil
        }
        self.path = path
    }

    /// Runs it to its end.
    package func run(_ arguments: [String]) async throws -> (status: Int32, output: String, errors: String) {
        let process = try SpawnedProcess(self.path, arguments, environment: ["PATH": "/usr/bin:/bin"])
        let output = OutputCollector(process.output)
        let errors = OutputCollector(process.errors)
        let status = await process.end()
        return (status, await output.wholeText(), await errors.wholeText())
    }
}

/// Why a process that a test needs could not be had.
package struct TestProcessError: Error, Sendable {
    package let reason: String

    package init(reason: String) {
        self.reason = reason
    }
}
