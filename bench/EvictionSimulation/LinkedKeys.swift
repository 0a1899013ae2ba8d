/// A doubly linked list of keys (small non-negative numbers), with the sum of their sizes. The first is the oldest.
struct LinkedKeys {
    private var previous: [Int32] = []
    private var next: [Int32] = []
    private(set) var bytes = 0
    private(set) var first: Int32 = -1
    private var last: Int32 = -1

    init(keyCount: Int) {
        previous = Array(repeating: -1, count: keyCount)
        next = previous
    }

    var isEmpty: Bool { first < 0 }

    mutating func append(_ key: Int, size: Int) {
        previous[key] = last
        next[key] = -1
        if last < 0 { first = Int32(key) } else { next[Int(last)] = Int32(key) }
        last = Int32(key)
        bytes += size
    }

    mutating func remove(_ key: Int, size: Int) {
        let (before, after) = (previous[key], next[key])
        if before < 0 { first = after } else { next[Int(before)] = after }
        if after < 0 { last = before } else { previous[Int(after)] = before }
        bytes -= size
    }

    /// The key that was added after this one; -1 if there is none.
    func successor(of key: Int32) -> Int32 { next[Int(key)] }
}
