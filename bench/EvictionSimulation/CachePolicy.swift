/// A replacement policy in its simplest form, for comparison only: keys are numbers, and the capacity is in bytes.
protocol CachePolicy {
    /// Reads a key, and writes it if that was a miss. Returns whether it was a hit.
    mutating func access(_ key: Int, size: Int) -> Bool
}
