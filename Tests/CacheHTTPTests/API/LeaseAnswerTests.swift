import Bytes
import NIOCore
import Testing

@testable import Cache
@testable import CacheAPI

/// What a read with a lease is answered.
@Suite struct LeaseAnswerTests {
    private let key = ByteBuffer(string: "k")
    private let hit = CacheAnswer.hit(.buffer(ByteBuffer(string: "1")), remainingMilliseconds: nil, .redis)

    private struct Said: Equatable {
        let status: AnswerStatus
        var lease: String?
        var retryAfterSeconds: Int?
    }

    private func said(_ outcome: LeaseAnswer) -> Said? {
        Answer.lookup(self.key, lease: outcome).map { answer in
            let lease = answer.lease.map { field in String(maximumByteCount: 32) { field.write(into: &$0) } }
            return Said(status: answer.status, lease: lease, retryAfterSeconds: answer.retryAfterSeconds)
        }
    }

    @Test func theHolderGetsItsToken() {
        for (read, status) in [(self.hit, AnswerStatus.ok), (.miss(.redis), .notFound)] {
            let said = self.said(.granted(read, LeaseToken(bits: 255)))
            #expect(said == Said(status: status, lease: "000000000000000000000000000000ff"))
        }
    }

    @Test func othersHearThatItIsHeld() {
        #expect(self.said(.held(self.hit)) == Said(status: .ok, lease: "held"))
        #expect(self.said(.held(.miss(.redis))) == Said(status: .notFound, lease: "held", retryAfterSeconds: 1))
    }

    @Test func withoutALeaseNothingIsSaidOfOne() {
        #expect(self.said(.read(self.hit)) == Said(status: .ok))
        #expect(self.said(.lost(.redis)) == Said(status: .conflict))
    }

    /// Redis did not say what became of the lease.
    @Test(arguments: [CacheSource.redis, .outage]) func whatIsNotKnownIsUnavailable(_ source: CacheSource) {
        #expect(self.said(.failed(.unavailable(source))) == Said(status: .serviceUnavailable, retryAfterSeconds: 1))
    }

    @Test func whatTheStoreRefusesIsSaidAsOfEveryOtherChange() {
        #expect(self.said(.failed(.refused(.outOfMemory, .redis))) == Said(status: .insufficientStorage))
        #expect(self.said(.failed(.refused(.notPermitted, .redis))) == Said(status: .forbidden))
    }

    @Test func whoeverMayNotWaitIsRefusedByTheCaller() {
        #expect(self.said(.tooManyWaiting) == nil)
    }
}
