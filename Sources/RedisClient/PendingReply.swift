import NIOCore

/// One command whose reply is owed. The receiver is nil once the command is abandoned.
struct PendingReply<Receiver> {
    var receiver: Receiver?
    let token: UInt64
    let deadline: NIODeadline
}
