import NIOCore

/// One command whose reply is owed.
struct PendingReply<Receiver> {
    let receiver: Receiver
    let token: UInt64
    let deadline: NIODeadline
}
