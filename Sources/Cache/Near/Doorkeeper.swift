import MemoryStore
import Synchronization

/// Knows which keys were asked for lately, by 16 bits of their hash: the first read of a key is let in the second time.
///
/// A table without chains: a key takes the place of the one before it. Two keys in 65,536 times 65,536 are mistaken for each other, which costs a copy
/// that was not needed. Two reads of a key with N other keys between them are recognised with a chance of e^(-N / 65,536).
final class Doorkeeper: Sendable {
    private let places = InlineArray<65_536, Atomic<UInt16>> { _ in Atomic(0) }

    /// - Returns: whether the key was here before.
    func admits(_ hash: MemoryKeyHash) -> Bool {
        let place = Int(truncatingIfNeeded: (hash.value >> 16) & 0xFFFF)
        let mark = UInt16(truncatingIfNeeded: hash.value >> 48) | 1
        guard self.places[place].load(ordering: .relaxed) != mark else { return true }
        self.places[place].store(mark, ordering: .relaxed)
        return false
    }
}
