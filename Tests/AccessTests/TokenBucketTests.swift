import Testing

@testable import Access

struct TokenBucketTests {
    private static let second = 1_000_000_000

    @Test func aBurstAndThenTheRate() {
        let bucket = TokenBucket(perSecond: 10, burst: 3)
        let start = 5 * Self.second
        for _ in 0..<3 { #expect(bucket.take(now: start) == nil) }
        #expect(bucket.take(now: start) == 100_000_000)
        #expect(bucket.take(now: start + 99_999_999) == 1)
        #expect(bucket.take(now: start + 100_000_000) == nil)
        #expect(bucket.take(now: start + 100_000_000) == 100_000_000)
        // After a pause the whole burst is there again, and no more.
        for _ in 0..<3 { #expect(bucket.take(now: start + Self.second) == nil) }
        #expect(bucket.take(now: start + Self.second) != nil)
    }

    @Test func severalAreTakenTogetherOrNotAtAll() {
        let bucket = TokenBucket(perSecond: 10, burst: 5)
        let start = 5 * Self.second
        #expect(bucket.take(3, now: start) == nil)
        #expect(bucket.take(3, now: start) == 100_000_000, "in which time a third one comes")
        #expect(bucket.take(2, now: start) == nil)
        #expect(bucket.take(now: start) == 100_000_000)
    }

    /// More than the burst are given by a bucket that is full but for the token of the request itself, and have to be paid for before anything else.
    @Test func moreThanTheBurst() {
        let bucket = TokenBucket(perSecond: 10, burst: 5)
        let start = 5 * Self.second
        #expect(bucket.take(2, now: start) == nil)
        #expect(bucket.take(20, now: start) == 100_000_000)
        #expect(bucket.take(20, now: start + 100_000_000) == nil)
        #expect(bucket.take(now: start + 100_000_000) == 1_700_000_000)
        #expect(bucket.take(now: start + 1_800_000_000) == nil)
    }

    @Test func aRefusalCostsNothing() {
        let bucket = TokenBucket(perSecond: 1, burst: 1)
        #expect(bucket.take(now: Self.second) == nil)
        for _ in 0..<100 { #expect(bucket.take(now: Self.second) == Self.second) }
        #expect(bucket.take(now: 2 * Self.second) == nil)
    }

    /// In any stretch of time no more than the rate and a burst, however many ask.
    @Test func manyAtOnce() async {
        let bucket = TokenBucket(perSecond: 1000, burst: 50)
        let taken = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask { (0..<10_000).count { bucket.take(now: Self.second + $0 * 10_000) == nil } }
            }
            return await group.reduce(0, +)
        }
        // 100 ms pass: a hundred, and the burst.
        #expect(taken <= 100 + 50 && taken >= 100)
    }
}
