import Access
import Logging
import NIOPosix
import OperatingSystem
import ServiceLifecycle

/// Looks at the file of API keys now and then and takes over what it holds: a key is added or withdrawn without a restart.
///
/// A file that is wrong, empty or gone changes nothing: the keys that were good a moment ago are better than none, or than an open door.
struct AccessKeyWatcher: Service {
    let control: AccessControl
    let settings: AccessSettings
    let watch: AccessSettings.Watch
    let logger: Logger

    func run() async throws {
        try? await cancelWhenGracefulShutdown {
            var known: [UInt8]? = self.watch.contents
            while true {
                try await Task.sleep(for: .seconds(self.watch.intervalSeconds))
                let path = self.watch.path
                let contents = try await NIOThreadPool.singleton.runIfActive { WholeFile.read(path, maximumBytes: AccessKeyFile.maximumBytes) }
                guard contents != known else { continue }
                known = contents
                self.takeOver(contents)
            }
        }
    }

    private func takeOver(_ contents: [UInt8]?) {
        guard let contents else {
            self.logger.error("the file of API keys cannot be read; the keys stay as they are")
            return
        }
        do throws(AccessKeyFile.Faults) {
            let keys = try AccessKeyFile.parse(
                String(decoding: contents, as: UTF8.self), acceptsAccounts: self.settings.tokens != nil, makeBucket: self.settings.makeBucket)
            guard keys.count > 0 else { throw AccessKeyFile.Faults(lines: ["there is no key in it"]) }
            self.control.replace(keys)
            self.logger.notice("API keys replaced", metadata: ["access.keys": .stringConvertible(keys.count)])
        } catch {
            self.logger.error(
                "the file of API keys is wrong; the keys stay as they are",
                metadata: ["access.faults": .array(error.lines.prefix(10).map { .string($0) })])
        }
    }
}
