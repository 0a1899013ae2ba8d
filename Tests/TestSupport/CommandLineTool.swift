import Foundation

/// A program of the machine that a test puts something before, such as a checker of a format.
package struct CommandLineTool: Sendable {
    private let path: String

    /// - Returns: nil where it is not installed, which is said on standard error.
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
