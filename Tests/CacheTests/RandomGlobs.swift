import TestSupport

/// Patterns and keys over an alphabet so small that they often match, and in which most bytes mean something to a glob.
struct RandomGlobs {
    static let alphabet: [UInt8] = Array("ab[]^-\\*?".utf8) + [0xff, 0x80]
    private var random: SplitMix64

    init(seed: UInt64) {
        random = SplitMix64(seed: seed)
    }

    mutating func pattern(upTo length: Int) -> [UInt8] {
        bytes(Int.random(in: 0...length, using: &random))
    }

    mutating func key(upTo length: Int) -> [UInt8] {
        bytes(Int.random(in: 0...length, using: &random))
    }

    private mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in Self.alphabet[Int.random(in: 0..<Self.alphabet.count, using: &random)] }
    }
}
