extension HashSlot {
    /// A node that owns a single slot is found but for one time in 500 million: (1 - 1 / 16,384)^327,680.
    private static let maximumProbes = 20 * HashSlot.count

    /// An unused key of a slot that a node owns, for what is asked of that very node: `prefix` and a number.
    ///
    /// - Parameters:
    ///   - prefix: without a whole `{tag}`, which would be the slot of every key.
    ///   - isOwned: asked about one slot after another.
    /// - Returns: nil if no slot is owned, or the prefix leaves no choice. At most 327,680 tries, of about 50 ns each.
    package static func probeKey(prefix: [UInt8], ownedBy isOwned: (HashSlot) -> Bool) -> [UInt8]? {
        var key = prefix
        var first: HashSlot?
        for number in 0..<Self.maximumProbes {
            key.replaceSubrange(prefix.count..., with: String(number).utf8)
            let slot = HashSlot(of: key.span)
            if isOwned(slot) { return key }
            // The numbers 0 and 1 have different slots unless they do not count.
            if number == 1, slot == first { return nil }
            first = first ?? slot
        }
        return nil
    }
}
