/// A reply of Redis in RESP2, as far as tests need to read one.
package enum RedisReply: Hashable, Sendable {
    /// A simple or a bulk string.
    case text(String)
    case error(String)
    case integer(Int)
    case array([RedisReply])
    case null

    package var text: String? { if case .text(let text) = self { text } else { nil } }
    package var error: String? { if case .error(let text) = self { text } else { nil } }
    package var integer: Int? { if case .integer(let number) = self { number } else { nil } }
    package var elements: [RedisReply] { if case .array(let elements) = self { elements } else { [] } }

    /// All replies of a conversation that has ended.
    ///
    /// - Throws: if it ends within a reply, or holds what is none.
    package static func all(in conversation: String) throws -> [RedisReply] {
        var rest = Array(conversation.utf8)[...]
        var replies: [RedisReply] = []
        while !rest.isEmpty { replies.append(try self.next(&rest)) }
        return replies
    }

    private static func next(_ rest: inout ArraySlice<UInt8>) throws -> RedisReply {
        guard let end = rest.firstIndex(of: 13), let kind = rest.first, end + 1 < rest.endIndex else { throw self.malformed(rest) }
        let line = String(decoding: rest[(rest.startIndex + 1)..<end], as: UTF8.self)
        rest = rest[(end + 2)...]
        switch (kind, Int(line)) {
        case (UInt8(ascii: "+"), _): return .text(line)
        case (UInt8(ascii: "-"), _): return .error(line)
        case (UInt8(ascii: ":"), let number?): return .integer(number)
        case (UInt8(ascii: "$"), -1), (UInt8(ascii: "*"), -1): return .null
        case (UInt8(ascii: "$"), let length?):
            guard length >= 0, rest.count >= length + 2 else { throw self.malformed(rest) }
            defer { rest = rest.dropFirst(length + 2) }
            return .text(String(decoding: rest.prefix(length), as: UTF8.self))
        case (UInt8(ascii: "*"), let count?): return .array(try (0..<count).map { _ in try self.next(&rest) })
        default: throw self.malformed(rest)
        }
    }

    private static func malformed(_ rest: ArraySlice<UInt8>) -> TestProcessError {
        TestProcessError(reason: "no reply of Redis: \(String(decoding: rest.prefix(100), as: UTF8.self))")
    }
}

extension RedisServerProcess {
    /// Has the server carry out commands over one connection of its unix socket, whatever is spoken on its port.
    ///
    /// - Parameters:
    ///   - commands: their words, which may be empty or contain spaces
    ///   - password: of the default user; nil where there is none
    /// - Returns: a reply for each
    package func replies(to commands: [[String]], password: String? = nil) async throws -> [RedisReply] {
        guard !commands.isEmpty else { return [] }
        return try await WireClient.connect(unixSocket: self.socketPath) { connection in
            let all = (password.map { [["AUTH", $0]] } ?? []) + commands + [["QUIT"]]
            try await connection.send(all.map(Self.encoded).joined())
            let replies = try RedisReply.all(in: try await connection.readToEnd())
            guard replies.count == all.count else { throw TestProcessError(reason: "\(replies.count) replies to \(all.count) commands") }
            return replies.dropLast().suffix(commands.count)
        }
    }

    /// A command in the protocol of Redis.
    package static func encoded(_ words: [String]) -> String {
        "*\(words.count)\r\n" + words.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined()
    }
}
