import NIOCore
import RESP

extension RedisConnectionStateMachine {
    enum StartAction {
        case connect
        case none
    }

    enum ConnectedAction {
        case shakeHands([RedisHandshake.Command], until: NIODeadline)
        /// Nobody wants this channel any more.
        case close(Channel)
    }

    enum ConnectFailedAction {
        case backOff(ReconnectBackoff.Pace)
        case none
    }

    enum OfferAction {
        /// The command is owed a reply: encode it, and look again at `wakeUp` at the latest.
        case append(wakeUp: NIODeadline)
        case reject(RedisFailure)
    }

    enum ReplyAction {
        case deliver(Receiver, token: UInt64, Result<RESPValue, RedisFailure>)
        /// Deliver, then close and go on as with `lost`.
        case deliverAndLose(Receiver, token: UInt64, RedisFailure, LossAction)
        /// Deliver the last reply owed, then close for good.
        case deliverAndClose(Receiver, token: UInt64, Result<RESPValue, RedisFailure>, Channel)
        case push([RESPValue])
        case shakeHands(Channel, [RedisHandshake.Command])
        case ready(RedisSession)
        case lost(LossAction)
        case close(Channel)
        case none
    }

    enum LossAction {
        /// Abort the channel, fail the commands with `connectionClosed`, and try again after a pause.
        case reconnect(Channel, failed: [PendingReply<Receiver>], RedisFailure, ReconnectBackoff.Pace)
        /// Close the channel and fail the commands; it was closing anyway.
        case close(Channel, failed: [PendingReply<Receiver>])
        case none
    }

    enum TimerAction {
        case connect
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
