import MemoryStore

/// The past that the dashboard shows: a sample a second for 5 minutes, one every 15 seconds for 6 hours, and what explains them.
///
/// Its memory is bounded by construction: see `maximumBytes`.
struct MetricHistory: Sendable {
    static let fineMilliseconds: Int64 = 1000
    static let fineCapacity = 300
    static let coarseMilliseconds: Int64 = 15_000
    static let coarseCapacity = 1440

    /// The most that the samples and marks take.
    static let maximumBytes =
        (fineCapacity + coarseCapacity) * MemoryLayout<HistorySample>.stride + HistoryMarks.capacity * MemoryLayout<HistoryMark>.stride

    /// What a page is sent that has seen everything up to some moment.
    struct Excerpt: Sendable {
        var fine: [HistorySample]
        var coarse: [HistorySample]
        var marks: [HistoryMark]
    }

    private var fine = RingBuffer<HistorySample>(capacity: fineCapacity)
    private var coarse = RingBuffer<HistorySample>(capacity: coarseCapacity)
    private var marks: HistoryMarks
    private var last: HistoryReading?
    /// The coarse interval under way: where it began, and the largest levels since.
    private var coarseInterval: (start: HistoryReading, peaks: HistoryReading.Levels)?

    /// - Parameter start: when the process started.
    init(start: MonotonicTime) {
        self.marks = HistoryMarks(start: start)
    }

    /// When the last reading was taken.
    var time: MonotonicTime? { self.last?.time }

    /// Takes the next reading, about a second after the one before; one that is not later is passed over. O(1).
    mutating func add(_ reading: HistoryReading) {
        if let last = self.last, reading.time <= last.time { return }
        if let outage = reading.outage { self.marks.observe(outage, now: reading.time) }
        if let last = self.last { self.fine.append(HistorySample(from: last, to: reading, peaks: reading.levels)) }
        self.last = reading
        guard let interval = self.coarseInterval else {
            self.coarseInterval = (reading, reading.levels)
            return
        }
        let peaks = interval.peaks.maximum(reading.levels)
        // Half a second early is on time: readings are never exactly a second apart.
        guard reading.time.milliseconds - interval.start.time.milliseconds >= Self.coarseMilliseconds - Self.fineMilliseconds / 2 else {
            self.coarseInterval = (interval.start, peaks)
            return
        }
        self.coarse.append(HistorySample(from: interval.start, to: reading, peaks: peaks))
        self.coarseInterval = (reading, reading.levels)
    }

    /// What has come since `time`, oldest first; everything if there is none. O(what is returned).
    func excerpt(since time: MonotonicTime?) -> Excerpt {
        guard let time else { return Excerpt(fine: Array(self.fine), coarse: Array(self.coarse), marks: Array(self.marks.marks)) }
        return Excerpt(
            fine: Array(self.fine[(self.fine.lastIndex { $0.time <= time }.map { $0 + 1 } ?? 0)...]),
            coarse: Array(self.coarse[(self.coarse.lastIndex { $0.time <= time }.map { $0 + 1 } ?? 0)...]),
            marks: self.marks.marks.filter { $0.changed > time })
    }
}
