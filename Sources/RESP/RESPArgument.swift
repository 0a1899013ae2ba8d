package import NIOCore

/// One argument of a command, for the calls where clarity counts more than an allocation: `["SCAN", .integer(cursor), "MATCH", .bytes(pattern)]`.
package struct RESPArgument: Sendable, Hashable, ExpressibleByStringLiteral {
    package let bytes: ByteBuffer

    package init(_ bytes: ByteBuffer) {
        self.bytes = bytes
    }

    package init(stringLiteral value: String) {
        self.bytes = ByteBuffer(string: value)
    }

    package static func bytes(_ bytes: some Sequence<UInt8>) -> RESPArgument {
        RESPArgument(ByteBuffer(bytes: bytes))
    }

    package static func string(_ value: String) -> RESPArgument {
        RESPArgument(ByteBuffer(string: value))
    }

    package static func integer(_ value: some FixedWidthInteger) -> RESPArgument {
        RESPArgument(ByteBuffer(string: String(value)))
    }
}
