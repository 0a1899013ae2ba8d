import RESP
import Testing

/// Bytes of a server, and the replies that they are.
struct RESPReply: Sendable, CustomTestStringConvertible {
    let wire: String
    let values: [RESPValue]

    init(_ wire: String, _ values: RESPValue...) {
        self.wire = wire
        self.values = values
    }

    var testDescription: String { self.wire.debugDescription }
}
