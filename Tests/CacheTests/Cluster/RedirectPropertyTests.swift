import CacheTestSupport
import NIOCore
import NIOEmbedded
import RESP
import RedisClient
import TestSupport
import Testing

@testable import Cache

/// Random histories: whatever redirects and failures come in which order, every operation is answered once, and is sent again in time or not at all.
@Suite struct RedirectPropertyTests {
    /// One history: what has been asked, and what came of it.
    private struct History {
        let course: ClusterCourse
        /// If not, every operation is about a key of its own, so that its commands can be told from others.
        let sharesKeys: Bool
        var random: SplitMix64
        var asked: UInt64 = 0
        var answeredAtOnce = 0
        /// When the operation on a key began.
        var began: [String: Int] = [:]
        var sent: [String: Int] = [:]
        var seen = [0, 0, 0]
        var lateResends = 0

        init(seed: UInt64, sharesKeys: Bool) {
            self.random = SplitMix64(seed: seed)
            self.sharesKeys = sharesKeys
            self.course = ClusterCourse(keepsCopies: sharesKeys) { $0.deadlinesInARow = 1000 }
            for slot in 0..<UInt16(HashSlot.count) { self.course.gate.move(CollectionOfOne(slot), to: Int(slot) % 3) }
        }

        mutating func step() {
            switch Int.random(in: 0..<20, using: &self.random) {
            case 0..<8: self.ask()
            case 8..<17: self.reply()
            case 17: self.course.loop.advanceTime(by: .milliseconds(Int64.random(in: 0...12, using: &self.random)))
            case 18: self.course.connections.randomElement(using: &self.random)?.missDeadlines()
            default: self.course.gate.openForTest()
            }
            self.look()
        }

        private mutating func ask() {
            self.asked += 1
            let key = self.sharesKeys ? "k\(UInt64.random(in: 0..<6, using: &self.random))" : "k\(self.asked)"
            self.began[key] = self.course.now
            let answer =
                switch Int.random(in: 0..<3, using: &self.random) {
                case 0: self.course.get(key, token: self.asked)
                case 1: self.course.set(key, token: self.asked)
                default: self.course.delete(key, token: self.asked)
                }
            if answer != nil { self.answeredAtOnce += 1 }
        }

        private mutating func reply() {
            let waiting = self.course.connections.filter { $0.nextCommand != nil }
            guard let connection = waiting.randomElement(using: &self.random), let command = connection.nextCommand else { return }
            let words = command.split(separator: " ")
            let slot = words.count > 1 ? self.course.slot(String(words[1])) : 0
            let node = Int.random(in: 0..<4, using: &self.random)
            switch Int.random(in: 0..<40, using: &self.random) {
            case 0..<12: connection.reply(self.course.redirect("MOVED", node, slot: slot))
            case 12..<20: connection.reply(self.course.redirect("ASK", node, slot: slot))
            case 20: connection.reply(.refusal("CLUSTERDOWN Hash slot not served"))
            case 21: connection.reply(.refusal("CLUSTERDOWN The cluster is down"))
            case 22: connection.reply(self.course.redirect("MOVED", node, slot: slot ^ 1))
            case 23: connection.lose(.connectionClosed)
            case 24: connection.reply(.refusal("LOADING no"))
            default: connection.reply(Self.answer(to: words[0]))
            }
        }

        private static func answer(to command: Substring) -> RESPValue {
            switch command {
            case "GET": .bulkString(ByteBuffer(string: "v"))
            case "PTTL", "UNLINK", "EXISTS": .integer(1)
            default: .simpleOK
            }
        }

        /// Looks at the commands that have been sent since the last look.
        private mutating func look() {
            for (node, connection) in self.course.connections.enumerated() {
                for command in connection.commands[self.seen[node]...] {
                    let words = command.split(separator: " ")
                    guard !self.sharesKeys, ["GET", "SET", "UNLINK"].contains(words[0]), let began = self.began[String(words[1])] else { continue }
                    self.sent[String(words[1]), default: 0] += 1
                    if self.course.now - began > 15_000_000 { self.lateResends += 1 }
                }
                self.seen[node] = connection.commands.count
            }
        }
    }

    @Test(arguments: 0..<40 as Range<UInt64>, [false, true])
    func everyOperationIsAnsweredOnce(_ seed: UInt64, _ sharesKeys: Bool) {
        var history = History(seed: seed, sharesKeys: sharesKeys)
        for _ in 0..<1500 { history.step() }
        // The end of the connections answers what still waits.
        for connection in history.course.connections { connection.lose(.connectionClosed) }
        let answers = history.course.receiver.answers.compactMap { UInt64($0.prefix { $0 != ":" }) }
        #expect(Set(answers).count == answers.count, "answered twice")
        #expect(answers.count + history.answeredAtOnce == Int(history.asked), "not answered")
        #expect(history.lateResends == 0)
        #expect(history.sent.values.allSatisfy { $0 <= 1 + ClusterStore.maximumHops })
        #expect(sharesKeys || history.sent.values.contains { $0 > 1 }, "nothing was sent again")
    }
}
