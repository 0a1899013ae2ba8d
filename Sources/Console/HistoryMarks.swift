import Cache
import MemoryStore

/// An event that explains a plot: the start of the process, an outage of Redis, a replay.
struct HistoryMark: Sendable, Equatable {
    enum Kind: String, Sendable {
        case start, outage, replay
    }

    /// Counts up from 0. A mark sent again under the same number replaces the earlier one.
    let number: Int
    let kind: Kind
    let begin: MonotonicTime
    /// nil while it lasts. A start ends when it begins.
    var end: MonotonicTime?
    /// Why Redis was unavailable; nil for other kinds.
    var reason: String?
    /// Keys replayed to Redis; nil for other kinds and if the replay was interrupted.
    var replayedKeys: Int?
    /// When this was last changed.
    var changed: MonotonicTime
}

/// The marks of the history, from reports a second apart, including what began and ended between two of them.
struct HistoryMarks: Sendable {
    /// A flapping Redis must not fill the memory.
    static let capacity = 64

    private(set) var marks = RingBuffer<HistoryMark>(capacity: capacity)
    private var nextNumber = 0
    private var last: (report: OutageReport, time: MonotonicTime)?

    init(start: MonotonicTime) {
        self.add(.start, from: start, to: start, now: start)
    }

    /// Records the state of Redis.
    mutating func observe(_ report: OutageReport, now: MonotonicTime) {
        defer { self.last = (report, now) }
        self.observeReplay(report, now: now)
        guard report.state != .connected else {
            if self.isOpen(.outage) {
                self.close(.outage, at: report.since, now: now)
            } else if let last = self.last, report.outages > last.report.outages {
                // It began after the last report and is already over.
                self.add(.outage, from: last.time, to: max(last.time, report.since), now: now)
            }
            return
        }
        if !self.isOpen(.outage) {
            // Every start connects to Redis first, and most succeed at once.
            guard report.reason != .starting else { return }
            self.add(.outage, from: report.since, to: nil, now: now)
        }
        self.update(.outage, now: now) { $0.reason = report.reason?.sentence }
    }

    private mutating func observeReplay(_ report: OutageReport, now: MonotonicTime) {
        let known = self.last?.report.lastReplay?.end
        if let replay = report.lastReplay, replay.end != known {
            // After most outages there is nothing to replay.
            guard replay.keys > 0 || replay.patterns > 0 || replay.isPurge || self.isOpen(.replay) else { return }
            if !self.isOpen(.replay) {
                self.add(.replay, from: replay.end.advanced(byMilliseconds: -replay.durationMilliseconds), to: nil, now: now)
            }
            self.update(.replay, now: now) { $0.replayedKeys = replay.keys }
            self.close(.replay, at: replay.end, now: now)
        }
        switch report.state {
        case .replay where !self.isOpen(.replay): self.add(.replay, from: now, to: nil, now: now)
        case .replay: break
        default: self.close(.replay, at: now, now: now)
        }
    }

    // MARK: Marks

    private mutating func add(_ kind: HistoryMark.Kind, from begin: MonotonicTime, to end: MonotonicTime?, now: MonotonicTime) {
        self.marks.append(HistoryMark(number: self.nextNumber, kind: kind, begin: begin, end: end, changed: now))
        self.nextNumber += 1
    }

    private func open(_ kind: HistoryMark.Kind) -> Int? { self.marks.lastIndex { $0.kind == kind && $0.end == nil } }

    private func isOpen(_ kind: HistoryMark.Kind) -> Bool { self.open(kind) != nil }

    private mutating func close(_ kind: HistoryMark.Kind, at end: MonotonicTime, now: MonotonicTime) {
        self.update(kind, now: now) { $0.end = max($0.begin, end) }
    }

    /// Changes the open mark of a kind, if there is one.
    private mutating func update(_ kind: HistoryMark.Kind, now: MonotonicTime, _ change: (inout HistoryMark) -> Void) {
        guard let index = self.open(kind) else { return }
        var mark = self.marks[index]
        change(&mark)
        guard mark != self.marks[index] else { return }
        mark.changed = now
        self.marks[index] = mark
    }
}
