/// Redis's glob dialect by its definition: the pattern is read anew at every place of the key. Slow, and so simple that it can be believed.
///
/// See `GlobParser` for what the dialect is.
struct GlobReference {
    let pattern: [UInt8]
    let key: [UInt8]

    /// nil if it would take too many steps: stars multiply.
    var matches: Bool? {
        var steps = 20_000
        return self.match(0, 0, &steps)
    }

    private func match(_ pattern: Int, _ key: Int, _ steps: inout Int) -> Bool? {
        var place = pattern
        var position = key
        while place < self.pattern.count {
            steps -= 1
            guard steps > 0 else { return nil }
            switch self.pattern[place] {
            case UInt8(ascii: "*"):
                for rest in position...self.key.count {
                    guard let isMatch = self.match(place + 1, rest, &steps) else { return nil }
                    if isMatch { return true }
                }
                return false
            case UInt8(ascii: "?"):
                guard position < self.key.count else { return false }
                place += 1
            case UInt8(ascii: "["):
                guard position < self.key.count else { return false }
                let (isIn, end) = self.isInClass(from: place + 1, self.key[position])
                guard isIn else { return false }
                place = end
            case UInt8(ascii: "\\") where place + 1 < self.pattern.count:
                guard position < self.key.count, self.pattern[place + 1] == self.key[position] else { return false }
                place += 2
            default:
                guard position < self.key.count, self.pattern[place] == self.key[position] else { return false }
                place += 1
            }
            position += 1
        }
        return position == self.key.count
    }

    /// Whether a byte is in the class that begins at `start`, and where the pattern goes on behind it.
    private func isInClass(from start: Int, _ byte: UInt8) -> (Bool, end: Int) {
        var place = start
        let isNegated = place < self.pattern.count && self.pattern[place] == UInt8(ascii: "^")
        if isNegated { place += 1 }
        var isIn = false
        while place < self.pattern.count {
            let first = self.pattern[place]
            if first == UInt8(ascii: "\\"), place + 1 < self.pattern.count {
                isIn = isIn || self.pattern[place + 1] == byte
                place += 2
            } else if first == UInt8(ascii: "]") {
                return (isIn != isNegated, place + 1)
            } else if place + 2 < self.pattern.count, self.pattern[place + 1] == UInt8(ascii: "-") {
                // Bounds are compared as C's `char`, which is signed.
                let bounds = [Int8(bitPattern: first), Int8(bitPattern: self.pattern[place + 2])].sorted()
                isIn = isIn || (bounds[0]...bounds[1]).contains(Int8(bitPattern: byte))
                place += 3
            } else {
                isIn = isIn || first == byte
                place += 1
            }
        }
        return (isIn != isNegated, place)
    }
}
