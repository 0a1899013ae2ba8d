/// The 128-bit secret of ``SipHash``.
package struct HashSeed: Sendable {
    let low: UInt64
    let high: UInt64

    /// A fixed seed, for reproducible tests and measurements only.
    package init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    /// A seed from the system's source of randomness.
    package static func random() -> HashSeed {
        var generator = SystemRandomNumberGenerator()
        return HashSeed(low: generator.next(), high: generator.next())
    }
}
