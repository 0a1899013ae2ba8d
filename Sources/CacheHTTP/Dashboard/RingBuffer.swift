/// The last elements of a sequence, oldest first, at most as many as there is room for.
struct RingBuffer<Element> {
    let capacity: Int
    private var elements: [Element] = []
    /// Where the oldest element is once the buffer is full.
    private var start = 0

    /// - Parameter capacity: 1 or more.
    init(capacity: Int) {
        precondition(capacity > 0, "a ring buffer holds something")
        self.capacity = capacity
    }

    /// Adds the newest element; the oldest makes room if there is none. O(1).
    mutating func append(_ element: Element) {
        guard self.elements.count == self.capacity else {
            // Once and for all: growing by doubling would take up to twice the bound.
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
