/// Belady's MIN (IBM Systems Journal 5(2), 1966): evicts the key that is asked for again last, which takes knowledge of the future. The upper bound
/// for equal sizes; with sizes in bytes it is a good reference but not the optimum, which is NP-hard to find. A key that is used later than all
/// residents is not admitted.
enum Belady {
    static func hits(_ trace: Trace, capacity: Int) -> Int {
        let keys = trace.keys
        var nextUse = [Int](repeating: .max, count: keys.count)
        var seen = [Int](repeating: .max, count: trace.sizes.count)
        for position in keys.indices.reversed() {
            nextUse[position] = seen[Int(keys[position])]
            seen[Int(keys[position])] = position
        }
        var residentUntil = [Int](repeating: -1, count: trace.sizes.count)
        var farthest = UseHeap()
        var (hits, bytes) = (0, 0)
        for position in keys.indices {
            let key = Int(keys[position])
            if residentUntil[key] == position {
                hits += 1
            } else {
                bytes += trace.sizes[key]
            }
            residentUntil[key] = nextUse[position]
            farthest.push(UseHeap.Element(use: nextUse[position], key: key))
            while bytes > capacity, let candidate = farthest.pop() {
                // An element whose key was used since is out of date.
                guard residentUntil[candidate.key] == candidate.use, candidate.use > position else { continue }
                residentUntil[candidate.key] = -1
                bytes -= trace.sizes[candidate.key]
            }
        }
        return hits
    }
}
