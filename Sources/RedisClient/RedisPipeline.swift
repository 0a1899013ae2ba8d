import RESP

/// Commands that are sent together and whose replies are wanted together: all of them, or the first failure.
///
/// The completion runs once, when every command was answered one way or the other.
final class RedisPipeline: RedisReplyReceiver {
    typealias Outcome = Result<[RESPValue], RedisFailure>

    let commands: [[RESPArgument]]
    private var values: [RESPValue]
    private var failure: RedisFailure?
    private var remaining: Int
    private let completion: (Outcome) -> Void

    init(commands: [[RESPArgument]], completion: @escaping (Outcome) -> Void) {
        self.commands = commands
        self.values = Array(repeating: .null, count: commands.count)
        self.remaining = commands.count
        self.completion = completion
    }

    func send(on connection: RedisConnection) {
        guard !self.commands.isEmpty else {
            return self.completion(.success([]))
        }
        for (index, command) in self.commands.enumerated() {
            connection.send(command, token: UInt64(index), receiver: self)
        }
    }

    /// Ends a pipeline that was never sent.
    func fail(_ failure: RedisFailure) {
        self.completion(.failure(failure))
    }

    func redisReplied(_ result: Result<RESPValue, RedisFailure>, token: UInt64) {
        switch result {
        case .success(let value):
            self.values[Int(token)] = value
        case .failure(let failure):
            self.failure = self.failure ?? failure
        }
        self.remaining -= 1
        if self.remaining == 0 {
            self.completion(self.failure.map { .failure($0) } ?? .success(self.values))
        }
    }
}
