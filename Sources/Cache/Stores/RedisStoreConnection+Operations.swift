import NIOCore
import RedisClient

/// The commands of an operation.
extension RedisStoreConnection {
    /// Sends what an operation consists of.
    /// - Parameters:
    ///   - isTracked: whether Redis is to say when what is read has changed.
    ///   - isAsking: whether the slot of the key is only coming to the node. Such a read is not tracked.
    ///   - consentReceiver: hears whether Redis tracks the read.
    func send(
        _ operation: InFlightOperation, token: UInt64, isTracked: Bool, isAsking: Bool, receiver: any RedisReplyReceiver,
        consentReceiver: any RedisReplyReceiver
    ) -> SentOperation {
        let key = operation.key
        guard !isAsking else { return self.sendAsking(operation, token, receiver) }
        switch operation.kind {
        case .get:
            let refusal =
                isTracked
                ? self.trackedGet(key, token: token, receiver: receiver, consentReceiver: consentReceiver)
                : self.get(key, token: token, receiver: receiver)
            if let refusal { return .refused(refusal) }
            guard operation.asksTimeToLive else { return .whole }
            return self.pttl(key, token: token, receiver: receiver) == nil ? .whole : .withoutTimeToLive
        case .set(let value, let ttlSeconds):
            return SentOperation(self.set(key, value, ttlMilliseconds: ttlSeconds.map { $0 * 1000 }, token: token, receiver: receiver))
        case .delete:
            return SentOperation(self.unlink(key, token: token, receiver: receiver))
        case .change(let change, _):
            return SentOperation(self.send(change.command(key), token: token, receiver: receiver))
        }
    }

    /// The same to a node to which the slot is only coming.
    private func sendAsking(_ operation: InFlightOperation, _ token: UInt64, _ receiver: any RedisReplyReceiver) -> SentOperation {
        let key = operation.key
        switch operation.kind {
        case .get:
            if let refusal = self.askingGet(key, token: token, receiver: receiver) { return .refused(refusal) }
            guard operation.asksTimeToLive else { return .whole }
            return self.askingPTTL(key, token: token, receiver: receiver) == nil ? .whole : .withoutTimeToLive
        case .set(let value, let ttlSeconds):
            return SentOperation(self.askingSet(key, value, ttlMilliseconds: ttlSeconds.map { $0 * 1000 }, token: token, receiver: receiver))
        case .delete:
            return SentOperation(self.askingUnlink(key, token: token, receiver: receiver))
        case .change(let change, _):
            return SentOperation(self.askingSend(change.command(key), token: token, receiver: receiver))
        }
    }
}

/// How much of an operation a connection has taken.
enum SentOperation {
    case whole
    /// Of a read: the question for the value, but not the one for its time to live.
    case withoutTimeToLive
    /// Nothing, so that no reply comes.
    case refused(RedisFailure)

    fileprivate init(_ refusal: RedisFailure?) {
        self = refusal.map { .refused($0) } ?? .whole
    }
}
