import NIOCore
import Testing

@testable import CacheAPI
@testable import HTTPWire

/// What waits for a client, as traces.
@Suite struct UnsentBytesTests {
    private let distance = UnsentBytes.markDistance

    private final class Client {
        var unsent = UnsentBytes()

        func isSent(_ count: Int, now: Int) -> Bool {
            self.unsent.wrote(count)
            return self.unsent.flushing(now: now)
        }
        func takes(now: Int) -> Bool { self.unsent.markTaken(now: now) }
    }

    @Test func aClientThatReadsIsNeverCounted() {
        let client = Client()
        #expect(!client.isSent(self.distance - 1, now: 4))
        #expect(client.unsent.waiting == 0 && client.unsent.stalledSince == nil)
        #expect(client.isSent(1, now: 5))
        #expect(client.unsent.waiting == self.distance && client.unsent.stalledSince == 5)
        #expect(!client.takes(now: 6))
        #expect(client.unsent.waiting == 0 && client.unsent.stalledSince == nil)
        #expect(!client.isSent(self.distance - 1, now: 7), "what the socket has taken no longer counts")
    }

    @Test func whatIsWrittenBehindAMarkWaitsToo() {
        let client = Client()
        #expect(client.isSent(self.distance, now: 5))
        #expect(!client.isSent(2 * self.distance, now: 6), "one mark at a time")
        #expect(client.unsent.waiting == 3 * self.distance && client.unsent.stalledSince == 5)
        #expect(client.takes(now: 9), "the rest needs a mark of its own")
        #expect(client.unsent.waiting == 2 * self.distance && client.unsent.stalledSince == 9)
        #expect(!client.takes(now: 10))
        #expect(client.unsent.waiting == 0)
    }
}

/// The bytes that wait on both sides of a connection.
@Suite struct ConnectionBytesTests {
    private func input(_ pieces: String...) -> ConnectionInput {
        var input = ConnectionInput()
        for piece in pieces {
            var bytes = ByteBuffer(string: piece)
            input.append(&bytes)
        }
        return input
    }

    @Test func inputIsTakenInTheOrderInWhichItCame() {
        var input = self.input("abc", "def")
        #expect(input.take(7) == nil && input.count == 6, "there are not so many")
        let first = input.take(4)
        #expect(first == ByteBuffer(string: "abcd"))
        input.drop(1)
        #expect(input.bytes == ByteBuffer(string: "f"))
        let last = input.take(1)
        #expect(last == ByteBuffer(string: "f"))
        #expect(input.bytes.storageCapacity == 0, "an idle connection holds no buffer")
    }

    @Test func fewBytesDoNotKeepALargeBuffer() {
        var input = self.input(String(repeating: "x", count: 64 << 10))
        input.shrink()
        #expect(input.bytes.storageCapacity >= 64 << 10, "all of it is needed")
        input.drop((64 << 10) - 10)
        input.shrink()
        #expect(input.count == 10 && input.bytes.storageCapacity <= ConnectionAccount.uncountedBytes)
    }

    @Test func onlySmallOutputStorageIsKept() {
        for (size, isKept) in [(100, true), (100_000, false)] {
            var output = ConnectionOutput()
            var bytes = ByteBuffer(repeating: 0, count: size)
            output.reuse(&bytes)
            #expect(output.count == 0)
            #expect((output.takeAll().storageCapacity >= size) == isKept)
        }
    }
}

/// One pass at a time.
@Suite struct InputRoundsTests {
    @Test func aPassWithinAPassIsAnotherRound() {
        var rounds = InputRounds()
        func begin() -> Bool { rounds.begin() }
        func end() -> Bool { rounds.end() }
        #expect(begin())
        #expect(!begin() && !begin())
        #expect(end(), "one more round, however often it was asked for")
        #expect(!begin())
        #expect(end())
        #expect(!end())
        #expect(begin(), "the pass is over")
    }
}
