import NIOCore
import RESP

@testable import RedisClient

/// Records what it receives, as text, and may react.
final class RecordingReceiver: RedisReplyReceiver {
    private(set) var replies: [String] = []
    var reaction: ((RedisFailure?) -> Void)?

    /// Notes the refusal of a command like a reply.
    func note(_ refusal: RedisFailure?, _ token: UInt64) {
        if let refusal { self.replies.append("\(token) \(refusal)") }
    }

    func redisRepliedLate(token: UInt64) {
        self.replies.append("\(token) late")
    }

    func redisReplied(_ result: Result<RESPValue, RedisFailure>, token: UInt64) {
        switch result {
        case .success(let value):
            self.replies.append("\(token) \(value.text.map { String(buffer: $0) } ?? "\(value)")")
            self.reaction?(nil)
        case .failure(let failure):
            self.replies.append("\(token) \(failure)")
            self.reaction?(failure)
        }
    }
}
