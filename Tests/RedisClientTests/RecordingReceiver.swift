import NIOCore
import RESP

@testable import RedisClient

/// Remembers what it was told, as text, and may react.
final class RecordingReceiver: RedisReplyReceiver {
    private(set) var replies: [String] = []
    var reaction: ((RedisFailure?) -> Void)?

    /// The connection did not take the command.
    func noteRefusal(_ failure: RedisFailure, _ token: UInt64) {
        self.replies.append("\(token) \(failure)")
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
