import NIOCore
import NIOPosix
import RESP
import RedisTestSupport
import TestSupport
import Testing

@testable import RedisClient

/// `InMemoryRedis` replies as a real Redis does, byte for byte, over random sequences of the commands that it knows, malformed ones included.
///
/// Three things cannot be equal: the remaining time to live, as the real clock runs; the order of SCAN; what INFO and CLIENT LIST say of the machine.
@Suite(.enabled(if: RedisServerProcess.isAvailable, "needs redis-server"), .timeLimit(.minutes(5)))
struct InMemoryRedisContractTests {
    /// A socket to the real server, one command and its reply at a time.
    private struct RawClient {
        var replies: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
        let commands: NIOAsyncChannelOutboundWriter<ByteBuffer>

        mutating func call(_ command: [[UInt8]]) async throws -> ByteBuffer {
            var bytes = ByteBuffer()
            RESPEncoder.write(command: command.map { .bytes($0) }, into: &bytes)
            try await self.commands.write(bytes)
            var reply = ByteBuffer()
            while true {
                var copy = reply
                var decoder = RESPDecoder()
                if try decoder.next(&copy) != nil {
                    #expect(copy.readableBytes == 0, "one command has one reply")
                    return reply
                }
                let next = try await self.replies.next(isolation: #isolation)
                reply.writeImmutableBuffer(try #require(next, "the server closed the connection"))
            }
        }
    }

    private static func withClient(_ server: RedisServerProcess, _ body: (inout RawClient) async throws -> Void) async throws {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(unixDomainSocketPath: server.socketPath) { channel in
                channel.eventLoop.makeCompletedFuture { try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel) }
            }
        try await channel.executeThenClose { inbound, outbound in
            var client = RawClient(replies: inbound.makeAsyncIterator(), commands: outbound)
            try await body(&client)
        }
    }

    /// The twin of the client in an `InMemoryRedis`.
    private static func twin(of client: inout RawClient, in redis: InMemoryRedis) async throws -> Int64 {
        guard case .integer(let identifier) = try Self.decoded(await client.call([Self.bytes("CLIENT"), Self.bytes("ID")])) else {
            throw RedisFailure.unexpectedReply
        }
        let text = try #require(try Self.decoded(await client.call([Self.bytes("INFO"), Self.bytes("server")]))?.text)
        let version = try #require(RedisInformation(info: text.readableBytesView, keyCount: nil).version)
        redis.addClient(identifier: identifier, serverVersion: version)
        return identifier
    }

    @Test(arguments: 1...3 as ClosedRange<UInt64>)
    func randomCommands(seed: UInt64) async throws {
        let server = try RedisServerProcess()
        let redis = InMemoryRedis()
        try await Self.withClient(server) { client in
            let identifier = try await Self.twin(of: &client, in: redis)
            var random = SplitMix64(seed: seed)
            for _ in 0..<500 {
                var command = Self.command(&random)
                if command.first == Self.bytes("LPUSH") {
                    _ = try await client.call([Self.bytes("DEL"), command[1]])
                    _ = redis.reply(to: [Self.bytes("DEL"), command[1]], from: identifier)
                    _ = try await client.call(command)
                    redis.insertList(command[1], from: identifier)
                    command = [Self.bytes("GET"), command[1]]
                }
                let real = try await client.call(command)
                let ours = redis.reply(to: command, from: identifier)
                let text = command.map { String(decoding: $0, as: UTF8.self) }
                guard try Self.comparable(real, command) == Self.comparable(ours, command) else {
                    Issue.record("seed \(seed): \(text): Redis says \(String(buffer: real)), the in-memory one \(String(buffer: ours))")
                    return
                }
            }
        }
    }

    @Test func aPassword() async throws {
        let server = try RedisServerProcess(configuration: ["requirepass secret"])
        let redis = InMemoryRedis(password: "secret")
        try await Self.withClient(server) { client in
            redis.addClient(identifier: 1, serverVersion: "")
            for line in [
                "GET k", "NONE", "CLIENT", "HELLO 3", "HELLO 9", "AUTH wrong", "AUTH default wrong", "AUTH a b c", "HELLO 3 AUTH default wrong",
                "AUTH other secret", "AUTH", "GET k", "AUTH default secret", "GET k", "AUTH wrong", "GET k", "HELLO 3 AUTH default",
            ] {
                let command = line.split(separator: " ").map { Array($0.utf8) }
                let real = try await client.call(command)
                let ours = redis.reply(to: command, from: 1)
                #expect(String(buffer: real) == String(buffer: ours), "\(line)")
            }
        }
    }

    @Test func expiry() async throws {
        let server = try RedisServerProcess()
        let redis = InMemoryRedis()
        try await Self.withClient(server) { client in
            let identifier = try await Self.twin(of: &client, in: redis)
            let set = ["SET", "k", "v", "PX", "1"].map(Self.bytes)
            #expect(try await client.call(set) == redis.reply(to: set, from: identifier))
            let pttl = [Self.bytes("PTTL"), Self.bytes("k")]
            while try await Self.decoded(client.call(pttl)) != .integer(-2) {}
            #expect(redis.reply(to: pttl, from: identifier) == ByteBuffer(string: ":1\r\n"))
            redis.advance(milliseconds: 1)
            for line in ["PTTL k", "GET k", "EXISTS k", "UNLINK k"] {
                let command = line.split(separator: " ").map { Array($0.utf8) }
                #expect(try await client.call(command) == redis.reply(to: command, from: identifier), "\(line)")
            }
        }
    }

    /// What INFO says differs; which of the fields that the service reads it has, and as what kind of text, does not.
    @Test(arguments: ["2", "3"])
    func information(version: String) async throws {
        let server = try RedisServerProcess()
        let redis = InMemoryRedis()
        try await Self.withClient(server) { client in
            let identifier = try await Self.twin(of: &client, in: redis)
            let hello = [Self.bytes("HELLO"), Self.bytes(version)]
            #expect(try await client.call(hello) == redis.reply(to: hello, from: identifier))
            let real = try await client.call([Self.bytes("INFO")])
            let ours = redis.reply(to: [Self.bytes("INFO")], from: identifier)
            #expect(real.readableBytesView.first == ours.readableBytesView.first)
            let fields = try [real, ours].map { reply in
                let text = try #require(try Self.decoded(reply)?.text)
                let information = RedisInformation(info: text.readableBytesView, keyCount: 0)
                return Mirror(reflecting: information).children.filter { "\($0.value)" != "nil" }.compactMap(\.label)
            }
            #expect(fields[0] == fields[1] && fields[0].count == 14)
            let list = [Self.bytes("CLIENT"), Self.bytes("LIST"), Self.bytes("ID"), Self.bytes("\(identifier)")]
            let (realList, ourList) = (try await client.call(list), redis.reply(to: list, from: identifier))
            #expect(realList.readableBytesView.first == ourList.readableBytesView.first)
            for reply in [realList, ourList] {
                let text = try #require(try Self.decoded(reply)?.text)
                #expect(RedisClientList.identifiers(in: String(buffer: text), named: "") == [identifier])
            }
        }
    }

    private static func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    private static func decoded(_ reply: ByteBuffer) throws -> RESPValue? {
        var reply = reply
        var decoder = RESPDecoder()
        return try decoder.next(&reply)
    }

    private static func comparable(_ reply: ByteBuffer, _ command: [[UInt8]]) throws -> ByteBuffer {
        switch (String(decoding: command[0], as: UTF8.self).uppercased(), try self.decoded(reply)) {
        case ("PTTL", .integer(1...)):
            return ByteBuffer(string: "a time")
        case ("SCAN", .array(let page)) where page.count == 2:
            guard case .array(let keys) = page[1] else { return reply }
            return ByteBuffer(string: "\(page[0].text.map { String(buffer: $0) } ?? "")\n\(keys.map { "\($0)" }.sorted())")
        case ("CLIENT", let value) where command.count > 1 && String(decoding: command[1], as: UTF8.self) == "LIST" && value?.text != nil:
            let text = value?.text.map { String(buffer: $0) } ?? ""
            return ByteBuffer(string: "\(reply.readableBytesView.first ?? 0) \(text.split(whereSeparator: \.isNewline).count) clients")
        default:
            return reply
        }
    }
}

/// The random commands.
extension InMemoryRedisContractTests {
    private static func command(_ random: inout SplitMix64) -> [[UInt8]] {
        let key = { (random: inout SplitMix64) in "k\(Int.random(in: 0..<12, using: &random))" }
        let value = { (random: inout SplitMix64) in
            (0..<Int.random(in: 0...20, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
        }
        var command: [[UInt8]]
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<16: command = [self.bytes("GET"), self.bytes(key(&random))]
        case 16..<40:
            command = [self.bytes("SET"), self.bytes(key(&random)), value(&random)]
            for _ in 0..<Int.random(in: 0...2, using: &random) { command += self.setOption(&random) }
        case 40..<46: command = [self.bytes("PTTL"), self.bytes(key(&random))]
        case 46..<52: command = ["UNLINK", key(&random), key(&random)].map(self.bytes)
        case 52..<55: command = ["DEL", key(&random)].map(self.bytes)
        case 55..<59: command = ["EXISTS", key(&random), key(&random), key(&random)].map(self.bytes)
        case 59..<76: command = self.scan(&random)
        case 76..<79: command = [self.bytes("DBSIZE")]
        case 79..<82:
            command = ["PING", "SELECT 0", "SELECT 1", "SELECT 16", "SELECT x", "FLUSHDB"].randomElement(using: &random).map(self.words) ?? []
        case 82..<86:
            command =
                ["HELLO", "HELLO 2", "HELLO 3", "HELLO 4", "HELLO x", "HELLO 3 SETNAME n", "HELLO 3 FOO", "HELLO 2 AUTH default x"]
                .randomElement(using: &random).map(self.words) ?? []
        case 86..<92:
            command =
                [
                    "CLIENT ID", "CLIENT SETNAME a", "CLIENT SETNAME a b", "CLIENT GETNAME", "CLIENT KILL ID 999999", "CLIENT KILL ID 0",
                    "CLIENT FOO", "CLIENT", "CLIENT LIST ID", "CLIENT LIST ID x", "CLIENT LIST FOO",
                ].randomElement(using: &random).map(self.words) ?? []
        case 92..<94: command = ["AUTH x", "AUTH default x", "AUTH a b c", "AUTH a b"].randomElement(using: &random).map(self.words) ?? []
        case 94..<97: command = ["LPUSH", key(&random), "e"].map(self.bytes)
        default: command = [self.bytes("FOO")] + (0..<Int.random(in: 0...3, using: &random)).map { _ in self.bytes("a\(key(&random))") }
        }
        // Now and then a word too many or too few, or a name in small letters.
        let isList = command.first == self.bytes("LPUSH")
        if !isList, Int.random(in: 0..<12, using: &random) == 0 { command.append(self.bytes("x")) }
        if !isList, command.count > 1, Int.random(in: 0..<12, using: &random) == 0 { command.removeLast() }
        if !isList, Bool.random(using: &random) { command[0] = self.bytes(String(decoding: command[0], as: UTF8.self).lowercased()) }
        return command
    }

    private static func words(_ line: String) -> [[UInt8]] { line.split(separator: " ").map { Array($0.utf8) } }

    private static func setOption(_ random: inout SplitMix64) -> [[UInt8]] {
        let times = ["3600000", "86400000", "0", "-1", "x", "9223372036854775807", "03"]
        return switch Int.random(in: 0..<6, using: &random) {
        case 0: [self.bytes("NX")]
        case 1: [self.bytes("xx")]
        case 2: [self.bytes("KEEPTTL")]
        case 3: [self.bytes("EX"), self.bytes(times.randomElement(using: &random) ?? "")]
        case 4: [self.bytes("px"), self.bytes(times.randomElement(using: &random) ?? "")]
        default: [self.bytes("FOO")]
        }
    }

    /// COUNT is above the number of keys, so that one page has them all.
    private static func scan(_ random: inout SplitMix64) -> [[UInt8]] {
        var command = [self.bytes("SCAN"), self.bytes(["0", "0", "0", "0", "x", "-"].randomElement(using: &random) ?? "0")]
        if Bool.random(using: &random) {
            let symbols = Array("k**??[]^-\\0123\\".utf8)
            let pattern = (0..<Int.random(in: 0...6, using: &random)).compactMap { _ in symbols.randomElement(using: &random) }
            command += [self.bytes("MATCH"), Bool.random(using: &random) ? self.bytes("k") + pattern : pattern]
        }
        command += [self.bytes("COUNT"), self.bytes(["1000", "1000", "1000", "0", "-1", "x"].randomElement(using: &random) ?? "1000")]
        if Bool.random(using: &random) {
            command += [self.bytes("TYPE"), self.bytes(["string", "list", "String", "hash", "foo"].randomElement(using: &random) ?? "string")]
        }
        return command
    }
}
