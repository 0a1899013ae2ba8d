package import Histograms
package import NIOCore
import OperatingSystem

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// What the kernel counts of this process, as Prometheus's client libraries name it.
package struct ProcessFigures: Sendable, Equatable {
    package var cpuSeconds: Double
    package var virtualBytes: Int
    package var residentBytes: Int
    package var startTimeSeconds: Double
    package var threads: Int
    package var openFiles: Int
    /// nil if there is no limit.
    package var maximumOpenFiles: Int?

    /// Reads `/proc`; nil if there is none. About 50 us, and more with thousands of open files if they are counted.
    package static func read(countingFiles: Bool = true) -> ProcessFigures? {
        guard let stat = self.text(of: "/proc/self/stat"), let bootTime = self.bootTime else { return nil }
        return ProcessFigures(
            stat: stat,
            ticksPerSecond: sysconf(Int32(_SC_CLK_TCK)),
            pageBytes: sysconf(Int32(_SC_PAGESIZE)),
            bootTimeSeconds: bootTime,
            openFiles: countingFiles ? self.openFileCount() : 0,
            maximumOpenFiles: OpenFileLimit.current
        )
    }

    /// - Parameter stat: the contents of `/proc/self/stat`, proc(5). The program's name stands in parentheses and may contain anything.
    init?(stat: String, ticksPerSecond: Int, pageBytes: Int, bootTimeSeconds: Int, openFiles: Int, maximumOpenFiles: Int?) {
        guard let end = stat.lastIndex(of: ")") else { return nil }
        // The first of these is the third of the manual page.
        let fields = stat[stat.index(after: end)...].split(separator: " ").map { Int($0) ?? 0 }
        guard fields.count >= 22 else { return nil }
        self.cpuSeconds = Double(fields[11] + fields[12]) / Double(ticksPerSecond)
        self.threads = fields[17]
        self.startTimeSeconds = Double(bootTimeSeconds) + Double(fields[19]) / Double(ticksPerSecond)
        self.virtualBytes = fields[20]
        self.residentBytes = fields[21] * pageBytes
        self.openFiles = openFiles
        self.maximumOpenFiles = maximumOpenFiles
    }

    private static let bootTime: Int? = {
        guard let line = text(of: "/proc/stat")?.split(separator: "\n").first(where: { $0.hasPrefix("btime ") }) else { return nil }
        return Int(line.dropFirst("btime ".count))
    }()

    private static func text(of path: String) -> String? {
        WholeFile.read(path, maximumBytes: 1024 * 1024).map { String(decoding: $0, as: UTF8.self) }
    }

    private static func openFileCount() -> Int {
        guard let directory = opendir("/proc/self/fd") else { return 0 }
        defer { closedir(directory) }
        var count = 0
        while readdir(directory) != nil { count += 1 }
        // Without the entries for the directory and its parent, and without the file that reads it.
        return max(0, count - 3)
    }
}

/// How late event loops run what is due: how long a request waits before its event loop looks at it.
///
/// A timer on each loop records how late it fires. A loop that is held up, by a long computation or because the machine has no processor for it, is
/// late.
package final class EventLoopDelay: Sendable {
    private static let interval = TimeAmount.milliseconds(250)

    private let histogram = LatencyHistogram()

    package init() {}

    package var snapshot: HistogramSnapshot { self.histogram.snapshot }

    /// Watches `eventLoop` until it ends.
    package func watch(_ eventLoop: any EventLoop) {
        self.schedule(eventLoop, at: eventLoop.now + Self.interval)
    }

    private func schedule(_ eventLoop: any EventLoop, at deadline: NIODeadline) {
        eventLoop.scheduleTask(deadline: deadline) {
            let now = NIODeadline.now()
            self.histogram.record(nanoseconds: max(0, Int((now - deadline).nanoseconds)))
            self.schedule(eventLoop, at: now + Self.interval)
        }
    }
}
