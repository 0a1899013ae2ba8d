import CacheAPI
import Configuration
import Foundation
import HTTPWire
import RedisClient
import Synchronization
import TestSupport
import Testing

@testable import RedisCachingAgent

/// Where settings come from, and names that are no setting.
@Suite struct SettingSourcesTests {
    /// A directory that is gone after the test.
    private func withDirectory(_ body: (URL) throws -> Void) throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("settings-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        try body(directory)
    }

    private func faults(_ environment: [String: String]) -> [String] {
        do {
            _ = try AgentSettings.load(environment: environment)
            return []
        } catch {
            return (error as? SettingFaults)?.faults ?? ["\(error)"]
        }
    }

    @Test func precedence() throws {
        try self.withDirectory { directory in
            let file = directory.appendingPathComponent("file").path
            let secrets = directory.appendingPathComponent("secrets")
            try FileManager.default.createDirectory(at: secrets, withIntermediateDirectories: true)
            try TestFile.write("PORT=1\nREDIS_HOST=file\nKEY_MAX_BYTES=100\n", to: file)
            try TestFile.write("2\n", to: secrets.appendingPathComponent("PORT").path)
            try TestFile.write(" secret\n", to: secrets.appendingPathComponent("REDIS_HOST").path)
            let settings = try AgentSettings.load(environment: ["CONFIG_FILE": file, "SECRETS_DIRECTORY": secrets.path, "PORT": "3"])
            #expect(settings.port == 3)
            #expect(settings.redis?.endpoint == .tcp(host: "secret", port: 6379))
            #expect(settings.http.limits.maximumKeyBytes == 100)
        }
    }

    @Test func aNameInTheFileThatIsNoSetting() throws {
        try self.withDirectory { directory in
            let file = directory.appendingPathComponent("file").path
            try TestFile.write("# REDIS_DEADLNE_MS=5\n\nREDIS_DEADLNE_MS=5\n  redis-url = redis://h \nPORT=x\nWEATHER=fine\nPORT\n=\n", to: file)
            #expect(
                self.faults(["CONFIG_FILE": file]) == [
                    "CONFIG_FILE: line 3: unknown setting REDIS_DEADLNE_MS; did you mean REDIS_DEADLINE_MS?",
                    "CONFIG_FILE: line 4: unknown setting redis-url; did you mean REDIS_URL?",
                    "CONFIG_FILE: line 6: unknown setting WEATHER",
                    "CONFIG_FILE: line 7: not NAME=value",
                    "CONFIG_FILE: line 8: not NAME=value",
                    "PORT: 'x' is not a whole number",
                ])
        }
    }

    /// The last line of a key in PEM ends in `=`.
    @Test func aSecretInTheWrongFileIsNotShown() throws {
        let file = SettingFile("-----BEGIN PRIVATE KEY-----\r\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49\r\nAwEHBG0wawIBAQQg==\r\n")
        #expect(file.faults == ["line 1: not NAME=value", "line 2: not NAME=value", "line 3: unknown setting"])
    }

    /// As Kubernetes and Cloud Run mount a secret: `NAME` is a link to `..data/NAME`, and `..data` one to a directory with a date for a name.
    @Test func aMountedSecret() throws {
        try self.withDirectory { directory in
            let version = directory.appendingPathComponent("..2026_11_24")
            try FileManager.default.createDirectory(at: version, withIntermediateDirectories: true)
            try TestFile.write("hunter2\n", to: version.appendingPathComponent("REDIS_PASSWORD").path)
            let links = ["..data": "..2026_11_24", "REDIS_PASSWORD": "..data/REDIS_PASSWORD"]
            for (name, target) in links {
                try FileManager.default.createSymbolicLink(
                    atPath: directory.appendingPathComponent(name).path, withDestinationPath: target)
            }
            try TestFile.write("x", to: directory.appendingPathComponent(".hidden").path)
            try FileManager.default.createDirectory(at: directory.appendingPathComponent("lost+found"), withIntermediateDirectories: true)
            let settings = try AgentSettings.load(environment: ["SECRETS_DIRECTORY": directory.path, "REDIS_HOST": "h"])
            #expect(settings.redis?.password == "hunter2")
        }
    }

    @Test func aFileInTheDirectoryThatIsNoSetting() throws {
        try self.withDirectory { directory in
            for name in ["REDIS_PASWORD", "other.txt", "password"] {
                try TestFile.write("hunter2", to: directory.appendingPathComponent(name).path)
            }
            let password = directory.appendingPathComponent("password").path
            #expect(
                self.faults(["SECRETS_DIRECTORY": directory.path + "/", "REDIS_HOST": "h", "REDIS_PASSWORD_FILE": password]) == [
                    "SECRETS_DIRECTORY: unknown setting REDIS_PASWORD; did you mean REDIS_PASSWORD?",
                    "SECRETS_DIRECTORY: unknown setting other.txt",
                ])
        }
    }

    @Test func sourcesThatCannotBeRead() throws {
        try self.withDirectory { directory in
            let missing = directory.appendingPathComponent("missing").path
            #expect(
                self.faults(["SECRETS_DIRECTORY": missing, "CONFIG_FILE": missing, "PORT": "x"]) == [
                    "CONFIG_FILE: the file cannot be read", "SECRETS_DIRECTORY: the directory cannot be read", "PORT: 'x' is not a whole number",
                ])
        }
    }

    /// The environment is not ours alone: only what is almost a setting is spoken of, and it is no reason not to start.
    @Test func namesInTheEnvironment() throws {
        let others = [
            "PATH", "HOME", "LANG", "REDIS_PORT_6379_TCP", "REDIS_SERVICE_HOST", "LOGNAME", "HOSTNAME", "API_URL", "GOOGLE_APPLICATION_CREDENTIALS",
            "K_REVISION", "REDIS_PASS", "MEMORY_PRESSURE_WATCH", "AGENT_ID", "PORTS",
        ]
        #expect(try AgentSettings.load(environment: Dictionary(uniqueKeysWithValues: others.map { ($0, "1") })).warnings == [])
        #expect(
            try AgentSettings.load(environment: ["REDIS_DEADLNE_MS": "5", "REDIS_URI": "x", "API_KEY": "y"]).warnings == [
                "API_KEY in the environment is not a setting; did you mean API_KEYS?",
                "REDIS_DEADLNE_MS in the environment is not a setting; did you mean REDIS_DEADLINE_MS?",
                "REDIS_URI in the environment is not a setting; did you mean REDIS_URL?",
            ])
    }

    @Test(arguments: [
        ("", "", 0), ("A", "", 1), ("ABC", "ABC", 0), ("ABC", "ACB", 1), ("DEADLNE", "DEADLINE", 1), ("KITTEN", "SITTING", 3), ("CA", "ABC", 3),
    ])
    func distances(_ left: String, _ right: String, _ distance: Int) {
        #expect(SettingName.distance(Array(left.utf8), Array(right.utf8)) == distance)
        #expect(SettingName.distance(Array(right.utf8), Array(left.utf8)) == distance)
    }

    /// A setting that is read without being in the catalogue would be refused in a file, and one that nobody reads would do nothing.
    @Test func theCatalogueIsWhatIsRead() throws {
        let reporter = ReadNames()
        _ = try AgentSettings(
            ConfigReader(provider: EnvironmentVariablesProvider(environmentVariables: [:]), accessReporter: reporter))
        let documented = Set((SettingCatalogue.all + SettingCatalogue.setByThePlatform).map(\.name))
        // Those that say where the others are.
        #expect(reporter.names.union(["CONFIG_FILE", "SECRETS_DIRECTORY"]) == documented)
        #expect(SettingCatalogue.all.count == Set(SettingCatalogue.all.map(\.name)).count)
    }

    private final class ReadNames: AccessReporter {
        private let read = Mutex<Set<String>>([])

        var names: Set<String> { self.read.withLock { $0 } }

        func report(_ event: AccessEvent) {
            let name = event.metadata.key.components.joined()
            self.read.withLock { _ = $0.insert(name) }
        }
    }
}
