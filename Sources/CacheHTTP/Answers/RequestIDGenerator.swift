/// Makes request ids: xorshift128+ (Vigna 2017), seeded by the system. Ids are for finding a log line, not secrets.
struct RequestIDGenerator {
    private var first: UInt64
    private var second: UInt64

    init() {
        var system = SystemRandomNumberGenerator()
        self.first = system.next() | 1
        self.second = system.next()
    }

    mutating func next() -> RequestID {
        .made(high: self.step(), low: self.step())
    }

    private mutating func step() -> UInt64 {
        var x = self.first
        let y = self.second
        self.first = y
        x ^= x << 23
        self.second = x ^ y ^ (x >> 17) ^ (y >> 26)
        return self.second &+ y
    }
}
