import Backoff
import RedisClient

// The vocabulary of `OutageStateMachine`: its states, its events and what follows from them.

extension OutageStateMachine {
    enum State: Hashable, CaseIterable {
        /// Redis answers for every key that the journal does not hold.
        case connected
        /// The same, and keys whose writes were answered too late are being settled.
        case settlingLateWrites
        /// Redis is away, and the recovery has not begun to look for it. So it is at the start.
        case lost
        /// The cluster is down, as the node says over connections that live: they stay, and tell what becomes of the commands that are under way.
        case refusing
        case pausingRefusal
        case verifyingRefusal
        /// The shard has lost its last slot, and its connections are still to be ended.
        case retiring
        /// No node serves the slots of the shard, or it has none.
        case absent
        case endingConnections
        case pausing
        case probing
        case fencing
        case waitingForEndedConnections
        case identifyingServer
        case collectingRecentWrites
        case verifyingWrites
        case connectingEventLoops
        case deletingEverything
        case deletingPattern
        /// Redis answers for every key that the journal does not hold, and the keys of the journal are being settled.
        case settlingKeys
        /// The same, but Redis may still carry out earlier writes of all keys that are left.
        case waitingForLateReplies

        enum Phase {
            case connected, outage, replay
        }

        var phase: Phase {
            switch self {
            case .connected, .settlingLateWrites: .connected
            case .lost, .endingConnections, .pausing, .probing, .refusing, .pausingRefusal, .verifyingRefusal, .retiring, .absent: .outage
            case .fencing, .waitingForEndedConnections, .identifyingServer, .collectingRecentWrites, .verifyingWrites, .connectingEventLoops,
                .deletingEverything, .deletingPattern, .settlingKeys, .waitingForLateReplies:
                .replay
            }
        }

        /// Whether Redis has been found, and no step is under way: there was nothing that could be settled.
        var isIdle: Bool { self == .connected || self == .waitingForLateReplies }

        /// Whether the connections live though memory answers for every key.
        var keepsConnections: Bool { self == .refusing || self == .pausingRefusal || self == .verifyingRefusal }

        /// Whether Redis is asked for the keys that the journal does not hold.
        var asksRedis: Bool {
            switch self {
            case .connected, .settlingLateWrites, .settlingKeys, .waitingForLateReplies: true
            case .lost, .endingConnections, .pausing, .probing, .refusing, .pausingRefusal, .verifyingRefusal, .retiring, .absent, .fencing,
                .waitingForEndedConnections, .identifyingServer, .collectingRecentWrites, .verifyingWrites, .connectingEventLoops,
                .deletingEverything, .deletingPattern:
                false
            }
        }
    }
}

/// Who answers for a key: all that an operation has to know.
enum GatePosition: UInt8 {
    /// Redis, for every key.
    case open
    /// Redis, for every key that the journal does not hold.
    case guarded
    /// Memory, for every key.
    case closed
}

/// What the recovery does next. One step at a time.
enum RecoveryStep: Equatable {
    /// Nothing, until it is woken.
    case wait
    /// End every connection to Redis, so that nothing more is sent over them.
    case endConnections
    /// Let some time pass before the next attempt.
    case pause(JitteredBackoff.Pace)
    /// Send a PING.
    case probe
    /// Have Redis drop what it may still read from connections that have ended: it could otherwise carry that out after the replay.
    case fence([Int64])
    /// The same, if Redis does not let us: leave it time to carry that out.
    case waitForEndedConnections
    /// Ask the server who it is.
    case identifyServer
    /// Another server answers, and may lack the writes that the last one acknowledged last: put their keys into the journal.
    case collectRecentWrites
    /// Check that Redis carries out what the service needs.
    case verifyWrites
    /// Connect every event loop, and get an answer over each connection within the deadline of a command: a Redis that is merely slow would be
    /// lost again at once.
    case connectEventLoops
    /// Delete every string: the journal could not hold what Redis has missed.
    case deleteEverything
    case deletePattern([UInt8])
    /// Delete the keys of these entries.
    case deleteKeys([OutageJournal.Entry])
    /// Write the values of these entries; delete the keys of those that have none.
    case restoreKeys([OutageJournal.Entry])
}

/// What came of a step of the recovery.
enum RecoveryEvent: Equatable {
    /// There may be something to do.
    case woken
    /// - Parameter identifiers: what the server called the connections that ended
    case connectionsEnded([Int64])
    case pauseEnded
    case redisAnswered
    case connectionsFenced
    /// Redis does not let us end connections.
    case fenceRefused
    case waitEnded
    /// nil if the server does not say who it is.
    case serverIdentified(String?)
    /// - Parameter isComplete: false if more was written than is remembered
    case recentWritesCollected(isComplete: Bool)
    case writesVerified
    case eventLoopsConnected
    /// - Parameter isRefused: whether Redis kept keys that the user may not delete
    case everythingDeleted(isRefused: Bool)
    /// - Parameter isRefused: whether Redis kept keys that the user may not delete, or does not let the user look for them
    case patternDeleted(isRefused: Bool)
    case keysSettled(Settlement)
    /// The step came to nothing.
    case stepFailed(RedisFailure)
    /// The process stops: the recovery does nothing more.
    case stopped

    /// Whether Redis may be asked for keys as soon as the event is known.
    var mayOpen: Bool {
        switch self {
        case .writesVerified, .eventLoopsConnected, .everythingDeleted, .patternDeleted: true
        case .woken, .connectionsEnded, .pauseEnded, .redisAnswered, .connectionsFenced, .fenceRefused, .waitEnded, .serverIdentified,
            .recentWritesCollected, .keysSettled, .stepFailed, .stopped:
            false
        }
    }

    /// Whether this can come of the step that is under way in `state`.
    func isPossible(in state: OutageStateMachine.State) -> Bool {
        switch self {
        case .woken: state.isIdle
        case .connectionsEnded: state == .endingConnections
        case .pauseEnded: state == .pausing || state == .pausingRefusal
        case .redisAnswered: state == .probing
        case .connectionsFenced, .fenceRefused: state == .fencing
        case .waitEnded: state == .waitingForEndedConnections
        case .serverIdentified: state == .identifyingServer
        case .recentWritesCollected: state == .collectingRecentWrites
        case .writesVerified: state == .verifyingWrites || state == .verifyingRefusal
        case .eventLoopsConnected: state == .connectingEventLoops
        case .everythingDeleted: state == .deletingEverything
        case .patternDeleted: state == .deletingPattern
        case .keysSettled: state == .settlingKeys || state == .settlingLateWrites
        case .stepFailed: !state.isIdle && state != .absent
        case .stopped: true
        }
    }
}

/// How far a step came that settles keys.
struct Settlement: Equatable {
    /// Redis has done what these entries say, or has refused it for good.
    var settled: [OutageJournal.Entry] = []
    /// Redis has refused the values of these entries for good. What it has under their keys is older and must go.
    var refusedValues: [OutageJournal.Entry] = []
    /// What broke the step off.
    var failure: RedisFailure?
    /// The values that were under way if the connection ended over them.
    var interruptedValues: [OutageJournal.Entry] = []
}

/// What follows from a `RecoveryEvent`.
struct RecoveryDecision: Equatable {
    /// What the recovery does next.
    var step: RecoveryStep
    /// What the log says.
    var notices: [OutageNotice] = []
    /// Keys that have left the journal: memory forgets them before any operation can look.
    var forgotten: [[UInt8]] = []
}

/// What follows from a failure that an event loop or an invalidation met with.
enum LossAction: Equatable {
    /// Redis is away already.
    case ignore
    /// The gate has closed: wake the recovery.
    case close
    /// The same, with a line in the log: it is the first loss for this reason in this outage.
    case closeAndLog
}

/// What follows from a write that the journal has been asked to record.
enum RecordAction: Equatable {
    case none
    /// The key can be settled now.
    case wake
    /// The journal has reached its bound.
    case overflow(LossAction)
    /// Redis counts as lost.
    case lose(LossAction)
}

/// What Redis has missed of slots that move from one shard to another.
struct SlotDebt {
    var records: [(key: [UInt8], isValue: Bool)]
    /// Patterns that may concern them.
    var patterns: [[UInt8]]
    /// Whether everything is to be deleted.
    var isEverything: Bool
}

/// A line of the log.
enum OutageNotice: Equatable {
    case away(OutageReason)
    case back(OutageReport.Replay, awayMilliseconds: Int64)
    /// Redis refuses something of the journal, for the first time in this outage.
    case refused
    case journalFull
    /// - Parameter droppedKeys: records that the journal has given up
    case tooManyRecentWrites(droppedKeys: Int)
}
