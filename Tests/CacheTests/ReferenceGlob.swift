/// A glob matcher of the plainest kind, straight from the definition: recursive, exponential in the worst case, and independent of the parser and of
/// the automaton under test. It has the same quirks, each at the place where it arises.
enum ReferenceGlob {
    static func matches(pattern: [UInt8], key: [UInt8]) -> Bool {
        if pattern == Array("*".utf8) { return true }
        if key.isEmpty { return pattern.isEmpty }
        return matches(pattern[...], key[...])
    }

    private static func matches(_ pattern: ArraySlice<UInt8>, _ key: ArraySlice<UInt8>) -> Bool {
        guard let first = pattern.first else { return key.isEmpty }
        if first == UInt8(ascii: "*") {
            return matches(pattern.dropFirst(), key) || (!key.isEmpty && matches(pattern, key.dropFirst()))
        }
        guard let byte = key.first else { return false }
        switch first {
        case UInt8(ascii: "?"):
            return matches(pattern.dropFirst(), key.dropFirst())
        case UInt8(ascii: "["):
            let (accepted, rest) = matchClass(pattern.dropFirst(), byte)
            return accepted && matches(rest, key.dropFirst())
        case UInt8(ascii: "\\") where pattern.count >= 2:
            return pattern.dropFirst().first == byte && matches(pattern.dropFirst(2), key.dropFirst())
        default:
            return first == byte && matches(pattern.dropFirst(), key.dropFirst())
        }
    }

    private static func matchClass(_ body: ArraySlice<UInt8>, _ byte: UInt8) -> (accepted: Bool, rest: ArraySlice<UInt8>) {
        let isNegated = body.first == UInt8(ascii: "^")
        var body = isNegated ? body.dropFirst() : body
        var found = false
        while let first = body.popFirst() {
            if first == UInt8(ascii: "]") { break }
            let following = Array(body.prefix(2))
            if first == UInt8(ascii: "\\"), let escaped = following.first {
                found = found || escaped == byte
                body = body.dropFirst()
            } else if following.count == 2, following[0] == UInt8(ascii: "-") {
                let bounds = [Int8(bitPattern: first), Int8(bitPattern: following[1])].sorted()
                found = found || (bounds[0]...bounds[1]).contains(Int8(bitPattern: byte))
                body = body.dropFirst(2)
            } else {
                found = found || first == byte
            }
        }
        return (found != isNegated, body)
    }
}
