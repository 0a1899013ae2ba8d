/// The name of a member to look for in an object: one to sixteen bytes of UTF-8, kept in one 128-bit word.
///
/// Names fixed by an API are short. As a word, a name is compared in two instructions and needs neither an array nor its reference count.
/// A word cannot say how many zero bytes it ends with, so names do not contain U+0000.
package struct JSONMemberName: Equatable, Sendable {
    static let maximumByteCount = 16

    private let word: UInt128

    /// - Precondition: `name` has 1 to 16 bytes of UTF-8 and no U+0000.
    package init(_ name: String) {
        precondition(1...Self.maximumByteCount ~= name.utf8.count && !name.utf8.contains(0), "a member name has 1 to 16 bytes")
        self.word = name.utf8.reversed().reduce(0) { $0 << 8 | UInt128($1) }
    }

    /// The name whose decoded bytes are `bytes`, or nil where it cannot be one.
    @inline(__always)
    init?(_ bytes: Span<UInt8>) {
        guard 1...Self.maximumByteCount ~= bytes.count else { return nil }
        // A name with a trailing U+0000 must not pass for the name without it.
        guard bytes[bytes.count - 1] != 0 else { return nil }
        var word: UInt128 = 0
        var shift: UInt128 = 0
        for index in bytes.indices {
            word |= UInt128(bytes[index]) &<< shift
            shift &+= 8
        }
        self.word = word
    }
}
