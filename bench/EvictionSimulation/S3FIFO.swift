/// S3-FIFO as in the paper (Yang et al., SOSP 2023), with an exact ghost queue of as many keys as are resident.
struct S3FIFO: CachePolicy {
    private enum Place { case absent, small, main }

    private let capacity: Int
    private let sizes: [Int]
    private var small: LinkedKeys
    private var main: LinkedKeys
    private var place: [Place]
    private var frequency: [UInt8]
    private var ghost: [Int] = []
    private var ghostStart = 0
    /// The number of a key's last entry in the ghost queue; older entries of the key are void.
    private var ghostStamp: [Int]
    private var residents = 0

    init(capacity: Int, sizes: [Int]) {
        self.capacity = capacity
        self.sizes = sizes
        small = LinkedKeys(keyCount: sizes.count)
        main = small
        place = Array(repeating: .absent, count: sizes.count)
        frequency = Array(repeating: 0, count: sizes.count)
        ghostStamp = Array(repeating: -1, count: sizes.count)
    }

    mutating func access(_ key: Int, size: Int) -> Bool {
        if place[key] != .absent {
            frequency[key] = min(3, frequency[key] + 1)
            return true
        }
        while small.bytes + main.bytes + size > capacity, residents > 0 { evict() }
        frequency[key] = 0
        residents += 1
        if ghostStamp[key] >= ghostStart {
            ghostStamp[key] = -1
            place[key] = .main
            main.append(key, size: size)
        } else {
            place[key] = .small
            small.append(key, size: size)
        }
        return false
    }

    private mutating func evict() {
        while true {
            if !small.isEmpty, main.isEmpty || small.bytes * 10 > small.bytes + main.bytes {
                let key = Int(small.first)
                small.remove(key, size: sizes[key])
                guard frequency[key] > 1 else {
                    remember(key)
                    return forget(key)
                }
                frequency[key] = 0
                place[key] = .main
                main.append(key, size: sizes[key])
            } else {
                let key = Int(main.first)
                main.remove(key, size: sizes[key])
                guard frequency[key] > 0 else { return forget(key) }
                frequency[key] -= 1
                main.append(key, size: sizes[key])
            }
        }
    }

    private mutating func forget(_ key: Int) {
        place[key] = .absent
        residents -= 1
    }

    private mutating func remember(_ key: Int) {
        ghostStamp[key] = ghost.count
        ghost.append(key)
        ghostStart = max(ghostStart, ghost.count - residents)
    }
}
