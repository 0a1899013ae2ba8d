import Synchronization

/// Makes request ids for any thread: SplitMix64 over a shared count (Steele, Lea, Flood 2014), with a seed per process. One atomic addition.
final class SharedRequestIDs: Sendable {
    private let count = Atomic<UInt64>(0)
    private let seed: UInt64
    private let high: UInt64

    init() {
        var system = SystemRandomNumberGenerator()
        self.seed = system.next()
        self.high = system.next()
    }

    func next() -> RequestID {
        let step = self.count.wrappingAdd(1, ordering: .relaxed).newValue
        return .made(high: self.high, low: Self.mix(self.seed &+ step &* 0x9e37_79b9_7f4a_7c15))
    }

    private static func mix(_ value: UInt64) -> UInt64 {
        var mixed = value
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
