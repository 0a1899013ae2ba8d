/// A secret that does not print: not in a description, a debug description, a dump or a mirror of whatever holds it.
package struct RedisPassword: Sendable, Hashable, ExpressibleByStringLiteral {
    /// The secret itself; only the encoder of the handshake reads it.
    package let bytes: [UInt8]

    package init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    package init(_ text: String) {
        self.bytes = Array(text.utf8)
    }

    package init(stringLiteral value: String) {
        self.init(value)
    }
}

extension RedisPassword: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "<redacted>" }

    package var debugDescription: String { "<redacted>" }

    package var customMirror: Mirror { Mirror(self, children: [(label: String?, value: Any)]()) }
}
