/// The containers that are open at a place in a JSON text: one bit for each, set for an object and clear for an array.
///
/// A bit stack in place makes the scanner iterative without a heap allocation: 1024 levels take 128 bytes, and hostile nesting costs one bit
/// a level rather than a stack frame. All operations are O(1).
struct JSONNesting {
    /// The deepest nesting that a limit may allow.
    static let capacity = 1024

    private var objects = InlineArray<16, UInt64>(repeating: 0)
    private let maximumDepth: Int

    /// How many containers are open, 0 to `maximumDepth`.
    private(set) var depth = 0

    /// - Parameter maximumDepth: how many containers may be open at once; taken as 1 below 1, as 1024 above.
    init(maximumDepth: Int) {
        self.maximumDepth = min(max(maximumDepth, 1), Self.capacity)
    }

    /// Whether the innermost open container is an object. False where none is open.
    @inline(__always)
    var isInObject: Bool {
        guard self.depth > 0 else { return false }
        let level = self.depth &- 1
        return self.objects[level &>> 6] &>> UInt64(truncatingIfNeeded: level) & 1 == 1
    }

    /// Opens a container. False where that exceeds the limit; nothing has changed then.
    @inline(__always)
    mutating func enter(object: Bool) -> Bool {
        guard self.depth < self.maximumDepth else { return false }
        let bit = 1 as UInt64 &<< UInt64(truncatingIfNeeded: self.depth)
        if object {
            self.objects[self.depth &>> 6] |= bit
        } else {
            self.objects[self.depth &>> 6] &= ~bit
        }
        self.depth &+= 1
        return true
    }

    /// Closes the innermost open container, of which there must be one.
    @inline(__always)
    mutating func leave() {
        assert(self.depth > 0, "no container is open")
        self.depth &-= 1
    }
}
