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
/// An unknown name in the directory or the file is an error: they belong to this program, so it must be a misspelt setting, which would otherwise
/// silently keep its default. The environment belongs to other programs too: there a name that is almost a setting is a warning.
struct SettingSources {
    /// The largest file that is read: the API keys may be in it.
    private static let maximumFileBytes = 16 * 1024 * 1024

    let config: ConfigReader
    let faults: SettingFaults
    /// What looks like a mistake but does not prevent a start.
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

    /// Files whose names begin with a dot are ignored: a mounted secret of Kubernetes or Cloud Run consists of links to files in `..data`.
    /// So are directories.
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

/// Lines `NAME=value`. Blank lines and those that begin with `#` are ignored, as are blanks around name and value; the last line of a name wins.
struct SettingFile {
    private(set) var values: [String: String] = [:]
    /// The errors, by line number and without the content of the line.
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

/// Suggests the setting that a misspelt name was meant for.
enum SettingName {
    /// Names that may stand in a file or directory of settings: every setting, and what the platform itself sets.
    private static let known = Set((SettingCatalogue.all + SettingCatalogue.setByThePlatform).map(\.name))

    static func isKnown(_ name: String) -> Bool { self.known.contains(name) }

    /// The setting whose name is nearest; nil if none differs in at most a quarter of the letters. O(settings × letters²).
    static func nearest(to name: String) -> String? {
        self.nearest(to: name, maximumDistance: max(1, name.utf8.count / 4))
    }

    /// The setting that a variable of the environment was probably meant for.
    ///
    /// The environment belongs to other programs too, so this is stricter: the first word is that of the setting, and at most one letter in six is
    /// wrong, two at most.
    static func probablyMeant(byVariable name: String) -> String? {
        guard !self.isKnown(name), let nearest = self.nearest(to: name, maximumDistance: min(2, name.utf8.count / 6)) else { return nil }
        let firstWord = nearest.prefix { $0 != "_" }
        return firstWord.count < nearest.count && String(decoding: self.normalised(name), as: UTF8.self).hasPrefix(firstWord + "_") ? nearest : nil
    }

    private static func nearest(to name: String, maximumDistance: Int) -> String? {
        let letters = self.normalised(name)
        var best: (name: String, distance: Int)?
        for setting in SettingCatalogue.all {
            let candidate = Array(setting.name.utf8)
            guard abs(candidate.count - letters.count) <= maximumDistance else { continue }
            let distance = self.distance(letters, candidate)
            if distance <= maximumDistance, distance < best?.distance ?? .max { best = (setting.name, distance) }
        }
        return best?.name
    }

    /// In capitals, with underscores between words: `redis-url` is a spelling of `REDIS_URL`.
    private static func normalised(_ name: String) -> [UInt8] {
        name.uppercased().utf8.map { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") ? UInt8(ascii: "_") : $0 }
    }

    /// How many letters have to be inserted, removed, replaced or swapped with their neighbour (optimal string alignment).
    static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for row in 0..<left.count {
            var current = [row + 1]
            for column in 0..<right.count {
                let isSame = left[row] == right[column]
                var cost = min(last[column + 1] + 1, current[column] + 1, last[column] + (isSame ? 0 : 1))
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    cost = min(cost, beforeLast[column - 1] + 1)
                }
                current.append(cost)
            }
            beforeLast = last
            last = current
        }
        return last[right.count]
    }
}
