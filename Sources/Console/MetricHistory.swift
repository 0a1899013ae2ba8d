import MemoryStore

/// The history that the dashboard shows: a sample a second for 5 minutes, one every 15 seconds for 6 hours, and marks that explain them.
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

    /// The part of the history that a page does not have yet.
    struct Excerpt: Sendable {
        var fine: [HistorySample]
        var coarse: [HistorySample]
        var marks: [HistoryMark]
    }

    private var fine = RingBuffer<HistorySample>(capacity: fineCapacity)
    private var coarse = RingBuffer<HistorySample>(capacity: coarseCapacity)
    private var marks: HistoryMarks
    private var last: HistoryReading?
    /// The current coarse interval: its first reading, and the largest levels since.
    private var coarseInterval: (start: HistoryReading, peaks: HistoryReading.Levels)?

    /// - Parameter start: when the process started.
    init(start: MonotonicTime) {
        self.marks = HistoryMarks(start: start)
    }

    /// When the last reading was taken.
    var time: MonotonicTime? { self.last?.time }

    /// Adds the next reading, about a second after the one before; one that is not later is ignored. O(1).
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

    /// The history since `time`, or all of it, oldest first. O(what is returned).
    func excerpt(since time: MonotonicTime?) -> Excerpt {
        guard let time else { return Excerpt(fine: Array(self.fine), coarse: Array(self.coarse), marks: Array(self.marks.marks)) }
        return Excerpt(
            fine: Array(self.fine[(self.fine.lastIndex { $0.time <= time }.map { $0 + 1 } ?? 0)...]),
            coarse: Array(self.coarse[(self.coarse.lastIndex { $0.time <= time }.map { $0 + 1 } ?? 0)...]),
            marks: self.marks.marks.filter { $0.changed > time })
    }
}

/// The last elements of a sequence, oldest first, up to a fixed capacity.
struct RingBuffer<Element> {
    let capacity: Int
    private var elements: [Element] = []
    /// The position of the oldest element once the buffer is full.
    private var start = 0

    /// - Parameter capacity: 1 or more.
    init(capacity: Int) {
        precondition(capacity > 0, "a ring buffer holds something")
        self.capacity = capacity
    }

    /// Adds the newest element; a full buffer drops the oldest. O(1).
    mutating func append(_ element: Element) {
        guard self.elements.count == self.capacity else {
            // All at once: growing by doubling would take up to twice the capacity.
            if self.elements.isEmpty { self.elements.reserveCapacity(self.capacity) }
            return self.elements.append(element)
        }
        self.elements[self.start] = element
        self.start = (self.start + 1) % self.capacity
    }
}

extension RingBuffer: RandomAccessCollection, MutableCollection {
    var startIndex: Int { 0 }
    var endIndex: Int { self.elements.count }

    subscript(position: Int) -> Element {
        get { self.elements[self.place(position)] }
        set { self.elements[self.place(position)] = newValue }
    }

    private func place(_ position: Int) -> Int {
        precondition(self.indices.contains(position), "the position is outside the buffer")
        return (self.start + position) % self.elements.count
    }
}

extension RingBuffer: Sendable where Element: Sendable {}
