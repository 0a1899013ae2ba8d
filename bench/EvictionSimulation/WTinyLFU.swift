/// W-TinyLFU (Einziger, Friedman, Manes, ACM Transactions on Storage 13(4), 2017): a window of 1 % with LRU order, a main part of two LRU segments of
/// which the protected one has 80 %, and admission to the main part by a count-min sketch of 4 rows with 4-bit counters that are halved after ten
/// times as many reads as there are entries. Without the climbing of the window's size that Caffeine adds.
struct WTinyLFU: CachePolicy {
    private enum Place { case absent, window, probation, protected }

    private let capacity: Int
    private let sizes: [Int]
    private var window: LinkedKeys
    private var probation: LinkedKeys
    private var protected: LinkedKeys
    private var place: [Place]
    private var counters: [UInt8]
    private let rowMask: Int
    private var reads = 0
    private let sample: Int

    init(capacity: Int, sizes: [Int]) {
        self.capacity = capacity
        self.sizes = sizes
        window = LinkedKeys(keyCount: sizes.count)
        probation = window
        protected = window
        place = Array(repeating: .absent, count: sizes.count)
        let entries = max(64, capacity * sizes.count / sizes.reduce(0, +))
        let width = 1 << (Int.bitWidth - (entries - 1).leadingZeroBitCount)
        rowMask = width - 1
        counters = Array(repeating: 0, count: 4 * width)
        sample = 10 * entries
    }

    mutating func access(_ key: Int, size: Int) -> Bool {
        count(key)
        switch place[key] {
        case .window:
            window.remove(key, size: size)
            window.append(key, size: size)
        case .protected:
            protected.remove(key, size: size)
            protected.append(key, size: size)
        case .probation:
            probation.remove(key, size: size)
            protected.append(key, size: size)
            place[key] = .protected
            demote()
        case .absent:
            place[key] = .window
            window.append(key, size: size)
            shrinkWindow()
            return false
        }
        return true
    }

    private mutating func demote() {
        while protected.bytes > capacity * 79 / 100 {
            let key = Int(protected.first)
            protected.remove(key, size: sizes[key])
            probation.append(key, size: sizes[key])
            place[key] = .probation
        }
    }

    private mutating func shrinkWindow() {
        while window.bytes > max(capacity / 100, 1), !window.isEmpty {
            let candidate = Int(window.first)
            window.remove(candidate, size: sizes[candidate])
            place[candidate] = admit(candidate) ? .probation : .absent
            if place[candidate] == .probation { probation.append(candidate, size: sizes[candidate]) }
        }
    }

    /// Evicts what is less popular than the candidate until there is room; false as soon as something is not.
    private mutating func admit(_ candidate: Int) -> Bool {
        let bound = capacity - capacity / 100
        while probation.bytes + protected.bytes + sizes[candidate] > bound {
            guard !probation.isEmpty || !protected.isEmpty else { return false }
            let victim = Int(probation.isEmpty ? protected.first : probation.first)
            guard estimate(candidate) > estimate(victim) else { return false }
            if probation.isEmpty { protected.remove(victim, size: sizes[victim]) } else { probation.remove(victim, size: sizes[victim]) }
            place[victim] = .absent
        }
        return true
    }

    private func cell(_ key: Int, row: Int) -> Int {
        var mixed = UInt64(key + 1) &* (0x9e37_79b9_7f4a_7c15 &+ UInt64(row) &* 0xbf58_476d_1ce4_e5ba)
        mixed ^= mixed >> 32
        mixed = mixed &* 0x94d0_49bb_1331_11eb
        return row * (rowMask + 1) + (Int(truncatingIfNeeded: mixed >> 33) & rowMask)
    }

    private func estimate(_ key: Int) -> UInt8 {
        (0..<4).reduce(15) { min($0, counters[cell(key, row: $1)]) }
    }

    private mutating func count(_ key: Int) {
        let smallest = estimate(key)
        guard smallest < 15 else { return }
        for row in 0..<4 where counters[cell(key, row: row)] == smallest { counters[cell(key, row: row)] += 1 }
        reads += 1
        if reads >= sample {
            for index in counters.indices { counters[index] /= 2 }
            reads /= 2
        }
    }
}
