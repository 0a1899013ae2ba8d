import NIOCore
import RESP

/// What the owner of the state machine is to do after each event.
extension RedisConnectionStateMachine {
    enum ConnectAction {
        /// Begin an attempt; report its outcome with this number.
        case begin(attempt: Int)
        case none
    }

    enum ConnectedAction {
        case shakeHands([RedisHandshake.Command], until: NIODeadline)
        /// The channel is no longer wanted.
        case close(Channel)
    }

    enum ConnectFailedAction {
        case tell
        case none
    }

    enum OfferAction {
        /// The command now waits for its reply: encode it, and call `timerFired` at `wakeUp` at the latest.
        case append(wakeUp: NIODeadline)
        case reject(RedisFailure)
    }

    enum ReplyAction {
        case deliver(Receiver, token: UInt64, Result<RESPValue, RedisFailure>)
        /// The reply to an abandoned command, whose content does not matter.
        case deliverLate(Receiver, token: UInt64)
        /// Perform the loss; deliver the failure before the other commands fail.
        case deliverAndLose(Receiver, token: UInt64, RedisFailure, LossAction)
        /// Deliver the last pending reply, then close for good.
        case deliverAndClose(Receiver, token: UInt64, Result<RESPValue, RedisFailure>, Channel)
        case push([RESPValue])
        case shakeHands(Channel, [RedisHandshake.Command])
        /// Commands are accepted from now on; call `timerFired` at `wakeUp`.
        case ready(RedisSession, wakeUp: NIODeadline)
        case lost(LossAction)
        case close(Channel)
        case none
    }

    enum LossAction {
        /// Abort the channel, report the failure, and fail the commands with `connectionClosed`.
        case abort(Channel, failed: [PendingReply<Receiver>], RedisFailure)
        /// Close the channel, which was draining, and fail the commands.
        case close(Channel, failed: [PendingReply<Receiver>])
        case none
    }

    enum DisconnectAction {
        /// Abort the channel and fail the commands with `connectionClosed`.
        case abort(Channel, failed: [PendingReply<Receiver>])
        case none
    }

    enum TimerAction {
        /// The connection was idle for long: send a PING.
        case keepAlive(wakeUp: NIODeadline)
        /// Fail these with `deadlineExceeded`, and call `timerFired` at `wakeUp`.
        case abandon([PendingReply<Receiver>], wakeUp: NIODeadline?)
        /// Perform the loss; fail these with `deadlineExceeded` before the other commands fail.
        case abandonAndLose([PendingReply<Receiver>], LossAction)
        case none
    }

    enum CloseAction {
        /// Send the batch, and wait for replies until then.
        case drain(until: NIODeadline)
        case close(Channel)
        /// There is no channel: closed already.
        case closed
        /// The connection is closing or closed.
        case none
    }
}
