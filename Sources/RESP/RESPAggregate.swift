/// An aggregate of which not all elements have come: one level of the decoder's explicit stack.
struct RESPAggregate {
    enum Kind {
        case array
        case map
        case set
        case push
        /// Facts about the value that follows (RESP3 attributes); read and dropped.
        case attribute
    }

    let kind: Kind
    private(set) var remaining: Int
    private var elements: [RESPValue]

    init(kind: Kind, count: Int) {
        self.kind = kind
        self.remaining = count
        self.elements = []
        // The count is the peer's claim: trust it only as far as a small allocation.
        self.elements.reserveCapacity(min(count, 1024))
    }

    mutating func append(_ value: RESPValue) {
        self.remaining -= 1
        if self.kind != .attribute {
            self.elements.append(value)
        }
    }

    /// The finished aggregate, or nil for an attribute.
    consuming func finish() -> RESPValue? {
        switch self.kind {
        case .array: .array(self.elements)
        case .map: .map(self.elements)
        case .set: .set(self.elements)
        case .push: .push(self.elements)
        case .attribute: nil
        }
    }
}
