import Testing

@testable import MemoryStore

struct MonotonicTimeTests {
    @Test func `advancing saturates at both ends`() {
        let late = MonotonicTime(milliseconds: .max - 5)
        #expect(late.advanced(byMilliseconds: 5).milliseconds == .max)
        #expect(late.advanced(byMilliseconds: 6).milliseconds == .max)
        #expect(MonotonicTime(milliseconds: .min + 1).advanced(byMilliseconds: -2).milliseconds == .min)
        #expect(MonotonicTime(milliseconds: 3) < MonotonicTime(milliseconds: 4))
    }
}
