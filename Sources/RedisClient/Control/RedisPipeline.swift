import RESP

/// Commands that are sent together and whose replies are wanted together.
///
/// The completion runs once, when every command was answered one way or the other, with one result per command.
final class RedisPipeline: RedisReplyReceiver {
    typealias Outcome = [Result<RESPValue, RedisFailure>]

    let commands: [[RESPArgument]]
    private var results: Outcome
    private var remaining: Int
    private let completion: (Outcome) -> Void

    init(commands: [[RESPArgument]], completion: @escaping (Outcome) -> Void) {
        self.commands = commands
        self.results = Array(repeating: .success(.null), count: commands.count)
        self.remaining = commands.count
        self.completion = completion
    }

    func send(on connection: RedisConnection) {
        guard !self.commands.isEmpty else {
            return self.completion([])
        }
        for (index, command) in self.commands.enumerated() {
            if let refusal = connection.send(command, token: UInt64(index), receiver: self) {
                self.redisReplied(.failure(refusal), token: UInt64(index))
            }
        }
    }

    /// Ends a pipeline that was never sent.
    func fail(_ failure: RedisFailure) {
        self.completion(self.commands.map { _ in .failure(failure) })
    }

    func redisReplied(_ result: Result<RESPValue, RedisFailure>, token: UInt64) {
        self.results[Int(token)] = result
        self.remaining -= 1
        if self.remaining == 0 {
            self.completion(self.results)
        }
    }
}
