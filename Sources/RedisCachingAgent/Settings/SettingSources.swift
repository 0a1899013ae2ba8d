import Configuration
import OperatingSystem
import SystemPackage

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Where settings come from. In order of precedence: the environment, `SECRETS_DIRECTORY` with a file per setting, `CONFIG_FILE` with lines
/// `NAME=value`.
///
/// A name in the directory or the file that is no setting is a fault: these belong to this program, so it can only be a misspelt setting, which would
/// otherwise keep its default without a word. The environment belongs to other programs too: there a name that is almost one of ours is a warning.
struct SettingSources {
    /// The largest file that is read: the API keys may be in it.
    private static let maximumFileBytes = 16 * 1024 * 1024

    let config: ConfigReader
    let faults: SettingFaults
    /// What is odd, but no reason not to start.
    let warnings: [String]

    /// Blocks while it reads the files.
    init(environment: [String: String]) {
        var reader = SettingReader(ConfigReader(provider: EnvironmentVariablesProvider(environmentVariables: environment)))
        let file = reader.text(SettingCatalogue.configFile).map { Self.lines(of: $0, &reader) } ?? [:]
        let secrets = reader.text(SettingCatalogue.secretsDirectory).map { directory in
            Self.secrets(in: directory, &reader) { path in [environment, file].contains { Self.refers($0, to: path) } }
        }
        self.config = ConfigReader(
            providers: [environment, secrets ?? [:], file].map { EnvironmentVariablesProvider(environmentVariables: $0) })
        self.faults = reader.faults
        self.warnings = environment.keys.sorted().compactMap { name in
            SettingName.probablyMeant(byVariable: name).map { "\(name) in the environment is not a setting; did you mean \($0)?" }
        }
    }

    // MARK: The file

    private static func lines(of path: String, _ reader: inout SettingReader) -> [String: String] {
        guard let bytes = WholeFile.read(path, maximumBytes: self.maximumFileBytes) else {
            reader.add(SettingCatalogue.configFile, "the file cannot be read")
            return [:]
        }
        let file = SettingFile(String(decoding: bytes, as: UTF8.self))
        for fault in file.faults { reader.add(SettingCatalogue.configFile, fault) }
        return file.values
    }

    // MARK: The directory

    /// Files whose names begin with a dot are passed over: a mounted secret of Kubernetes or Cloud Run consists of links to files in `..data`.
    /// Directories hold no setting either.
    ///
    /// - Parameter isNamed: whether a setting such as `REDIS_PASSWORD_FILE` names this path.
    private static func secrets(in directory: String, _ reader: inout SettingReader, isNamed: (FilePath) -> Bool) -> [String: String] {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: directory) else {
            reader.add(SettingCatalogue.secretsDirectory, "the directory cannot be read")
            return [:]
        }
        var values: [String: String] = [:]
        for name in names.sorted() where !name.hasPrefix(".") {
            let path = FilePath(directory).appending(name)
            guard SettingName.isKnown(name) else {
                if !self.isDirectory(path), !isNamed(path) { reader.add(SettingCatalogue.secretsDirectory, self.unknown(name, isShown: true)) }
                continue
            }
            guard let bytes = WholeFile.read(path.string, maximumBytes: self.maximumFileBytes) else {
                reader.add(SettingCatalogue.secretsDirectory, "the file \(name) cannot be read")
                continue
            }
            values[name] = SettingFile.trimmed(String(decoding: bytes, as: UTF8.self))
        }
        return values
    }

    private static func isDirectory(_ path: FilePath) -> Bool {
        var isDirectory = false
        return FileManager.default.fileExists(atPath: path.string, isDirectory: &isDirectory) && isDirectory
    }

    private static func refers(_ values: [String: String], to path: FilePath) -> Bool {
        SettingCatalogue.all.contains { setting in
            guard setting.name.hasSuffix("_FILE"), let value = values[setting.name] else { return false }
            return FilePath(value).lexicallyNormalized() == path.lexicallyNormalized()
        }
    }

    /// - Parameter isShown: false if the name may be part of a secret: a line of a key in the wrong file ends in `=`, too.
    static func unknown(_ name: String, isShown: Bool) -> String {
        let nearest = SettingName.nearest(to: name)
        let shown = isShown || nearest != nil ? "unknown setting \(SettingReader.shown(name))" : "unknown setting"
        return nearest.map { "\(shown); did you mean \($0)?" } ?? shown
    }
}

/// Lines `NAME=value`. Blank lines and those that begin with `#` are passed over; blanks around name and value do not count; the last line of a name
/// wins.
struct SettingFile {
    private(set) var values: [String: String] = [:]
    /// What is wrong, by the number of the line and without its content.
    private(set) var faults: [String] = []

    init(_ text: String) {
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let line = Self.trimmed(String(line))
            guard !line.isEmpty, !line.hasPrefix("#") else { continue }
            guard let equals = line.firstIndex(of: "="), equals > line.startIndex else {
                self.faults.append("line \(index + 1): not NAME=value")
                continue
            }
            let name = Self.trimmed(String(line[..<equals]))
            guard SettingName.isKnown(name) else {
                let isName = name.utf8.allSatisfy { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) || $0 == UInt8(ascii: "_") }
                self.faults.append("line \(index + 1): \(SettingSources.unknown(name, isShown: isName))")
                continue
            }
            self.values[name] = Self.trimmed(String(line[line.index(after: equals)...]))
        }
    }

    /// Without blanks and line ends around it.
    static func trimmed(_ text: String) -> String {
        var text = text.drop(while: \.isWhitespace)
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
