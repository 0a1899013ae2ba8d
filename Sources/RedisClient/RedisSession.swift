/// What the handshake found out about the server.
package struct RedisSession: Sendable, Hashable {
    /// 2 or 3.
    package let protocolVersion: Int
    /// Commands that the server would not carry out and without which the service works all the same, e.g. `CLIENT SETNAME`.
    package let refusedOptionalCommands: [String]
    /// What the server calls this connection (`CLIENT ID`); nil where it speaks RESP2 only.
    package var clientIdentifier: Int64?
}
