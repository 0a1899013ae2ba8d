/// A binary heap with the latest next use on top.
struct UseHeap {
    struct Element {
        let use: Int
        let key: Int
    }

    private var elements: [Element] = []

    mutating func push(_ element: Element) {
        elements.append(element)
        var child = elements.count - 1
        while child > 0, elements[(child - 1) / 2].use < elements[child].use {
            elements.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func pop() -> Element? {
        guard let top = elements.first, let last = elements.popLast() else { return nil }
        guard !elements.isEmpty else { return top }
        elements[0] = last
        var parent = 0
        while true {
            var child = 2 * parent + 1
            guard child < elements.count else { return top }
            if child + 1 < elements.count, elements[child + 1].use > elements[child].use { child += 1 }
            guard elements[child].use > elements[parent].use else { return top }
            elements.swapAt(child, parent)
            parent = child
        }
    }
}
