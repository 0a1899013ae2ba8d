import NIOCore
import RESP

extension RedisConnectionStateMachine {
    enum ConnectAction {
        /// Begin an attempt; its outcome must name this number.
        case begin(attempt: Int)
        case none
    }

    enum ConnectedAction {
        case shakeHands([RedisHandshake.Command], until: NIODeadline)
        /// Nobody wants this channel any more.
        case close(Channel)
    }

    enum ConnectFailedAction {
        case tell
        case none
    }

    enum OfferAction {
        /// The command is owed a reply: encode it, and look again at `wakeUp` at the latest.
        case append(wakeUp: NIODeadline)
        case reject(RedisFailure)
    }

    enum ReplyAction {
        case deliver(Receiver, token: UInt64, Result<RESPValue, RedisFailure>)
        /// The reply to a command that was given up: only that it came matters.
        case deliverLate(Receiver, token: UInt64)
        /// Deliver, then close and go on as with `lost`.
        case deliverAndLose(Receiver, token: UInt64, RedisFailure, LossAction)
        /// Deliver the last reply owed, then close for good.
        case deliverAndClose(Receiver, token: UInt64, Result<RESPValue, RedisFailure>, Channel)
        case push([RESPValue])
        case shakeHands(Channel, [RedisHandshake.Command])
        /// Commands are accepted from now on; look again at `wakeUp`.
        case ready(RedisSession, wakeUp: NIODeadline)
        case lost(LossAction)
        case close(Channel)
        case none
    }

    enum LossAction {
        /// Abort the channel, say so, and fail the commands with `connectionClosed`.
        case abort(Channel, failed: [PendingReply<Receiver>], RedisFailure)
        /// Close the channel and fail the commands; it was closing anyway.
        case close(Channel, failed: [PendingReply<Receiver>])
        case none
    }

    enum DisconnectAction {
        /// Abort the channel and fail the commands with `connectionClosed`.
        case abort(Channel, failed: [PendingReply<Receiver>])
        case none
    }

    enum TimerAction {
        /// The peer was silent for long, and nothing is owed: ask it.
        case keepAlive(wakeUp: NIODeadline)
        /// Fail these with `deadlineExceeded`, and look again at `wakeUp`.
        case abandon([PendingReply<Receiver>], wakeUp: NIODeadline?)
        /// Fail these with `deadlineExceeded`; then the loss.
        case abandonAndLose([PendingReply<Receiver>], LossAction)
        case none
    }

    enum CloseAction {
        /// Send what is in the batch, wait for replies until then.
        case drain(until: NIODeadline)
        case close(Channel)
        /// There is no channel: closed at once.
        case closed
        /// A close is under way or done.
        case none
    }
}
