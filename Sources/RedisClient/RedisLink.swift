import NIOCore

/// A fresh channel, and the password that is right for it now.
struct RedisLink: Sendable {
    let channel: any Channel
    let password: RedisPassword?
}
