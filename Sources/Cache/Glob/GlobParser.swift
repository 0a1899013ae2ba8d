/// Reads a glob in Redis's dialect into atoms.
///
/// The grammar is not written down anywhere but in the function `stringmatchlen` of Redis 7.0 (src/util.c), which interprets the pattern while it
/// matches. Which bytes of the *pattern* a construct takes never depends on the key there, so it can be parsed beforehand. What is surprising:
///
/// - `\x` is the byte x; a `\` that ends the pattern is itself.
/// - `[...` without an end is a class all the same: it ends with the pattern. `[` alone and `[]` match nothing, `[^` and `[^]` any byte.
/// - `a-z` is a range when two more bytes follow, whatever they are: in `[a-]` the bracket is the upper bound (and the class has no end any more),
///   and in `[a-\]` the backslash is. A range the wrong way round is swapped.
/// - `\` in a class takes the next byte literally; such a byte does not begin a range, and a `\` that ends the pattern is itself.
/// - Bounds are compared as C's `char`, which is signed on x86-64: there `[a-\xff]` is the range from 0xff (-1) to `a`, hence 0xff and 0x00 to 0x61.
///   A range that stays within ASCII or within the bytes from 0x80 is the same on every processor.
///
/// Linear in the pattern.
struct GlobParser {
    private let pattern: [UInt8]
    private var position = 0

    private init(_ pattern: [UInt8]) {
        self.pattern = pattern
    }

    /// The atoms of `pattern`; a run of stars is one star.
    static func parse(_ pattern: [UInt8]) -> [GlobAtom] {
        var parser = GlobParser(pattern)
        var atoms: [GlobAtom] = []
        while let atom = parser.nextAtom() {
            if atom == .star, atoms.last == .star { continue }
            atoms.append(atom)
        }
        return atoms
    }

    private var remaining: Int { pattern.count - position }

    private mutating func nextAtom() -> GlobAtom? {
        guard remaining > 0 else { return nil }
        let byte = pattern[position]
        position += 1
        switch byte {
        case UInt8(ascii: "*"):
            return .star
        case UInt8(ascii: "?"):
            return .oneOf(.all)
        case UInt8(ascii: "["):
            return .oneOf(readClass())
        case UInt8(ascii: "\\") where remaining > 0:
            position += 1
            return .oneOf(ByteSet(pattern[position - 1]))
        default:
            return .oneOf(ByteSet(byte))
        }
    }

    /// Reads a class from behind its `[` to behind its `]`, or to the end of the pattern.
    private mutating func readClass() -> ByteSet {
        var members = ByteSet()
        let isNegated = remaining > 0 && pattern[position] == UInt8(ascii: "^")
        if isNegated { position += 1 }
        while remaining > 0 {
            let byte = pattern[position]
            if byte == UInt8(ascii: "\\"), remaining >= 2 {
                members.insert(pattern[position + 1])
                position += 2
            } else if byte == UInt8(ascii: "]") {
                position += 1
                break
            } else if remaining >= 3, pattern[position + 1] == UInt8(ascii: "-") {
                Self.insertRange(byte, pattern[position + 2], into: &members)
                position += 3
            } else {
                members.insert(byte)
                position += 1
            }
        }
        return isNegated ? members.complement() : members
    }

    private static func insertRange(_ first: UInt8, _ second: UInt8, into members: inout ByteSet) {
        let (first, second) = (Int8(bitPattern: first), Int8(bitPattern: second))
        for value in min(first, second)...max(first, second) {
            members.insert(UInt8(bitPattern: value))
        }
    }
}

/// One unit of a parsed glob: either it consumes exactly one byte out of a set, or it is a star.
enum GlobAtom: Equatable, Sendable {
    case oneOf(ByteSet)
    case star
}

/// A set of byte values as a bitmap of 256 bits. Every operation is O(1).
struct ByteSet: Equatable, Sendable {
    private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    init() {}

    init(_ byte: UInt8) {
        insert(byte)
    }

    static let all = ByteSet().complement()

    /// The only member of a set that has exactly one, otherwise nil.
    var onlyMember: UInt8? {
        guard words.0.nonzeroBitCount + words.1.nonzeroBitCount + words.2.nonzeroBitCount + words.3.nonzeroBitCount == 1 else {
            return nil
        }
        if words.0 != 0 { return UInt8(words.0.trailingZeroBitCount) }
        if words.1 != 0 { return UInt8(64 + words.1.trailingZeroBitCount) }
        if words.2 != 0 { return UInt8(128 + words.2.trailingZeroBitCount) }
        return UInt8(192 + words.3.trailingZeroBitCount)
    }

    func contains(_ byte: UInt8) -> Bool {
        let bit = UInt64(1) << UInt64(byte & 63)
        return switch byte >> 6 {
        case 0: words.0 & bit != 0
        case 1: words.1 & bit != 0
        case 2: words.2 & bit != 0
        default: words.3 & bit != 0
        }
    }

    mutating func insert(_ byte: UInt8) {
        let bit = UInt64(1) << UInt64(byte & 63)
        switch byte >> 6 {
        case 0: words.0 |= bit
        case 1: words.1 |= bit
        case 2: words.2 |= bit
        default: words.3 |= bit
        }
    }

    func complement() -> ByteSet {
        var result = ByteSet()
        result.words = (~words.0, ~words.1, ~words.2, ~words.3)
        return result
    }

    static func == (left: ByteSet, right: ByteSet) -> Bool {
        left.words == right.words
    }
}
