import Glibc
import MemoryStore

/// What an entry costs beside its key and value: resident memory over a million entries with keys of 16 bytes and values of 64. To be run in a process
/// of its own, because memory that was freed before would be used again unseen.
enum EntryMemory {
    private static let keyBytes = 16
    private static let valueBytes = 64
    private static let now = MonotonicTime(milliseconds: 0)
    private static let deadline = MonotonicTime(milliseconds: 60_000)

    /// A store that has room for all entries.
    static func print() {
        measure("a million entries", bound: 1 << 30, sets: 1_000_000)
    }

    /// A store with room for about a million entries, after four million: the ghost queue is in use, and slots and bytes have been used again.
    static func printAtBound() {
        measure("at its bound, after four million entries", bound: 160 << 20, sets: 4_000_000)
    }

    private static func measure(_ what: String, bound: Int, sets: Int) {
        let before = ResidentMemory.bytes
        let store = MemoryStore(MemoryStoreConfiguration(maximumBytes: bound))
        let value = [UInt8](repeating: 1, count: valueBytes)
        for number in 0..<sets {
            withUnsafeBytes(of: (number, number)) { key in
                _ = store.set(key.bindMemory(to: UInt8.self).span, value: value.span, expiresAt: deadline, now: now)
            }
        }
        let grown = ResidentMemory.bytes - before
        let statistics = store.statistics(now: now)
        let (resident, charged) = (perEntry(grown, statistics.entries), perEntry(statistics.bytes, statistics.entries))
        Swift.print("\(what): \(statistics.entries) stored, \(resident) resident bytes beside key and value of each, \(charged) charged")
    }

    private static func perEntry(_ bytes: Int, _ entries: Int) -> String {
        HitRatioTable.decimal(Double(bytes) / Double(entries) - Double(keyBytes + valueBytes))
    }
}

/// The resident set from /proc/self/statm (proc(5)), whose second number is in pages.
enum ResidentMemory {
    static var bytes: Int {
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        guard fgets(&line, Int32(line.count), file) != nil else { return 0 }
        let fields = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(separator: " ")
        return (fields.count > 1 ? Int(fields[1]) ?? 0 : 0) * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}
