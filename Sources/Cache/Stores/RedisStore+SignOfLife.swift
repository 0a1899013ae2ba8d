package import NIOCore
import RESP
import RedisClient

/// Whether Redis is there, and serves keys. A single Redis is asked with `PING`. A node of a cluster answers that while it refuses every key, so it is
/// asked for a key of its own.
extension RedisStore {
    /// Asks whether Redis answers within the deadline of any command.
    /// - Returns: a future that fails with `RedisFailure`.
    package func signOfLife() -> EventLoopFuture<Void> {
        let promise = self.connection.eventLoop.makePromise(of: Void.self)
        self.askForSignOfLife(promise)
        return promise.futureResult
    }

    func askForSignOfLife(_ promise: EventLoopPromise<Void>) {
        if let refusal = self.sendSignOfLife(SignOfLife(promise, of: self)) { promise.fail(refusal) }
    }

    /// Whether the connection that vouches for copies still answers: a server that has stopped says nothing of changes either.
    /// - Parameter isSecondTry: whether another key has been asked for just before.
    func checkCoverage(isSecondTry: Bool = false) {
        guard let near, near.shouldAskForSignOfLife() else { return }
        if self.sendSignOfLife(CoverageCheck(near, of: self, isSecondTry: isSecondTry)) != nil {
            near.isLate()
            near.isSilent(now: .now)
        }
    }

    /// The token of the reply is the slot that was asked for.
    private func sendSignOfLife(_ receiver: any RedisReplyReceiver) -> RedisFailure? {
        // A node that serves no slot can only be asked whether it is there.
        guard self.slots.isCluster, let (key, slot) = self.probe.key(of: self.shard, in: self.slots) else {
            return self.connection.ping(token: 0, receiver: receiver)
        }
        return self.connection.exists(key, token: UInt64(slot), receiver: receiver)
    }

    /// Judges the reply to a sign of life, and has the directory hear of what it says of others.
    fileprivate func judgeSignOfLife(_ result: Result<RESPValue, RedisFailure>, slot: UInt16) -> LifeVerdict {
        guard case .failure(let failure) = result else { return .serves }
        guard failure.code == .serverError else { return .silent(failure) }
        // An error as a reply is a sign of life, too.
        guard self.slots.isCluster, let redirects else { return .serves }
        if let redirect = failure.redirect {
            // The next key is one in another slot, if there is one.
            self.probe.discard()
            let isStale = redirects.signOfLifeRedirected(redirect, by: self)
            return redirect.kind == .ask ? .serves : isStale ? .refuses(failure) : .servesElsewhere(failure)
        }
        guard failure.isClusterDown else { return .serves }
        guard !failure.isAboutTheSlot else {
            self.probe.discard()
            redirects.unserved(slot)
            return .servesElsewhere(failure)
        }
        redirects.clusterDown(self.shard)
        return .refuses(failure)
    }

    fileprivate func refused(_ failure: RedisFailure) { self.gate.failed(.failure(failure), shard: self.shard) }
}

/// What the reply to a sign of life says of a node.
private enum LifeVerdict {
    case serves
    /// It answers, but another one, or none, serves the slot that was asked for; this one may serve others.
    case servesElsewhere(RedisFailure)
    /// It answers, but serves no key.
    case refuses(RedisFailure)
    /// No reply in time, or none any more.
    case silent(RedisFailure)
}

/// Waits for the sign of life of a connection that vouches for copies. One that comes late says only how things were when it was asked for, so another
/// is asked for at once.
private final class CoverageCheck: RedisReplyReceiver {
    private let near: NearConnection
    private weak var store: RedisStore?
    private let isSecondTry: Bool

    init(_ near: NearConnection, of store: RedisStore, isSecondTry: Bool) {
        self.near = near
        self.store = store
        self.isSecondTry = isSecondTry
    }

    func redisReplied(_ result: Result<RESPValue, RedisFailure>, token: UInt64) {
        switch self.store?.judgeSignOfLife(result, slot: UInt16(truncatingIfNeeded: token)) {
        case .serves, nil:
            self.near.isAlive()
        case .servesElsewhere:
            // Whatever it says of changes counts again when it serves a key. If only one slot has moved, the next one says so at once.
            self.near.isLate()
            self.near.isSilent(now: .now)
            if !self.isSecondTry { self.store?.checkCoverage(isSecondTry: true) }
        case .refuses(let failure):
            self.near.isLate()
            self.near.isSilent(now: .now)
            self.store?.refused(failure)
        case .silent(let failure):
            // Otherwise the connection has ended, and its copies with it.
            if failure.code == .deadlineExceeded { self.near.isSilent(now: .now) }
        }
    }

    func redisRepliedLate(token: UInt64) {
        self.near.isLate()
        self.store?.checkCoverage()
    }
}

/// Waits for a sign of life that somebody wants to know of.
private final class SignOfLife: RedisReplyReceiver {
    private let promise: EventLoopPromise<Void>
    private let store: RedisStore

    init(_ promise: EventLoopPromise<Void>, of store: RedisStore) {
        self.promise = promise
        self.store = store
    }

    func redisReplied(_ result: Result<RESPValue, RedisFailure>, token: UInt64) {
        switch self.store.judgeSignOfLife(result, slot: UInt16(truncatingIfNeeded: token)) {
        case .serves: self.promise.succeed()
        case .servesElsewhere(let failure), .refuses(let failure), .silent(let failure): self.promise.fail(failure)
        }
    }
}
