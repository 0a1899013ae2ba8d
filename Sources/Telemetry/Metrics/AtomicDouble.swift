import Synchronization

/// A floating-point number that several threads may add to.
struct AtomicDouble: ~Copyable, Sendable {
    private let bits = Atomic<UInt64>(0)

    var value: Double { Double(bitPattern: self.bits.load(ordering: .relaxed)) }

    func set(_ value: Double) {
        self.bits.store(value.bitPattern, ordering: .relaxed)
    }

    func add(_ amount: Double) {
        var current = self.bits.load(ordering: .relaxed)
        while true {
            let sum = Double(bitPattern: current) + amount
            let result = self.bits.weakCompareExchange(expected: current, desired: sum.bitPattern, ordering: .relaxed)
            if result.exchanged { return }
            current = result.original
        }
    }
}
