import Access
import ArgumentParser

/// Makes an API key.
struct AccessKeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "api-key", abstract: "Make an API key: its secret, and the line for API_KEYS_FILE.",
        discussion: "The secret is printed this once and kept nowhere.")

    @Argument(help: "A name for it: letters, digits, '-', '_' and '.'.")
    var name: String

    @Option(help: "What it may do: read, write, invalidate, admin or all, separated by commas.")
    var scopes = "read,write"

    @Option(help: "What its keys must begin with.")
    var prefix: String?

    func run() throws {
        let key = NewAccessKey()
        let line = ([self.name, "sha256:\(key.digest.hex)", self.scopes] + (self.prefix.map { [$0] } ?? [])).joined(separator: " ")
        do {
            _ = try AccessKeyFile.parse(line)
        } catch {
            throw ValidationError(error.lines.joined(separator: "; "))
        }
        print("secret: \(key.secret)")
        print("line:   \(line)")
    }
}
