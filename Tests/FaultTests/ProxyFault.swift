/// What a proxy does to the connections that go through it.
enum ProxyFault: Hashable, Sendable {
    case none
    /// Every connection is closed, and every new one. What the proxy holds for the server is delivered first: a network does that too.
    case cut
    /// Nothing is delivered in either direction until the fault ends; then everything is, in order.
    case blackHole
    /// Bytes arrive this much later.
    case delay(toServerMilliseconds: Int, toClientMilliseconds: Int)
    /// The client sees the end of the server's stream; what it sends goes on arriving.
    case halfClose
    /// The client gets other bytes than those that the server sends.
    case garbage

    /// How late bytes may arrive at the server under it, in milliseconds, beside the time that the fault lasts.
    var delayMilliseconds: Int {
        if case .delay(let toServer, _) = self { toServer } else { 0 }
    }
}
