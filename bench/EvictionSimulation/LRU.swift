/// Least recently used: every hit moves the key to the end of the list.
struct LRU: CachePolicy {
    private let capacity: Int
    private let sizes: [Int]
    private var list: LinkedKeys
    private var isResident: [Bool]

    init(capacity: Int, sizes: [Int]) {
        self.capacity = capacity
        self.sizes = sizes
        list = LinkedKeys(keyCount: sizes.count)
        isResident = Array(repeating: false, count: sizes.count)
    }

    mutating func access(_ key: Int, size: Int) -> Bool {
        let hit = isResident[key]
        if hit {
            list.remove(key, size: size)
        } else {
            while list.bytes + size > capacity, !list.isEmpty {
                let victim = Int(list.first)
                list.remove(victim, size: sizes[victim])
                isResident[victim] = false
            }
            isResident[key] = true
        }
        list.append(key, size: size)
        return hit
    }
}
