/// SIEVE (Zhang, Yang, Yue, Vigfusson, Rashmi, NSDI 2024): one queue, one bit a key, and a hand that goes from the oldest to the newest, clears bits,
/// and evicts the first key without one; what it spares stays where it is.
struct SIEVE: CachePolicy {
    private let capacity: Int
    private let sizes: [Int]
    private var list: LinkedKeys
    private var isResident: [Bool]
    private var wasVisited: [Bool]
    private var hand: Int32 = -1

    init(capacity: Int, sizes: [Int]) {
        self.capacity = capacity
        self.sizes = sizes
        list = LinkedKeys(keyCount: sizes.count)
        isResident = Array(repeating: false, count: sizes.count)
        wasVisited = isResident
    }

    mutating func access(_ key: Int, size: Int) -> Bool {
        if isResident[key] {
            wasVisited[key] = true
            return true
        }
        while list.bytes + size > capacity, !list.isEmpty { evict() }
        isResident[key] = true
        list.append(key, size: size)
        return false
    }

    private mutating func evict() {
        var candidate = hand < 0 ? list.first : hand
        while wasVisited[Int(candidate)] {
            wasVisited[Int(candidate)] = false
            let after = list.successor(of: candidate)
            candidate = after < 0 ? list.first : after
        }
        hand = list.successor(of: candidate)
        list.remove(Int(candidate), size: sizes[Int(candidate)])
        isResident[Int(candidate)] = false
    }
}
