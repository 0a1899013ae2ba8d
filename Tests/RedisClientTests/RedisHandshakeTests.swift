import NIOCore
import RESP
import Testing

@testable import RedisClient

@Suite
struct RedisHandshakeTests {
    /// Plays replies and gives the last outcome as text.
    private func play(_ handshake: inout RedisHandshake, _ replies: String...) -> String {
        var outcome = "nothing"
        for reply in replies {
            let value: RESPValue = reply.first == "-" ? .error(ByteBuffer(string: String(reply.dropFirst()))) : reply == "OK" ? .simpleOK : .map([])
            switch handshake.replied(value) {
            case .waiting: outcome = "waiting"
            case .send(let commands): outcome = "send \(commands.map(\.name))"
            case .ready(let session): outcome = "ready \(session.protocolVersion) \(session.refusedOptionalCommands)"
            case .failed(let failure): outcome = "failed \(failure)"
            }
        }
        return outcome
    }

    private func handshake(password: Bool = false, name: Bool = true, database: Bool = true) -> RedisHandshake {
        RedisHandshake(hasPassword: password, hasClientName: name, hasDatabase: database)
    }

    @Test("everything goes in one write, and only what is wanted")
    func begin() {
        var full = self.handshake()
        #expect(full.begin() == [.hello, .setClientName, .selectDatabase, .ping])
        var bare = self.handshake(name: false, database: false)
        #expect(bare.begin() == [.hello, .ping])
    }

    @Test("RESP3 with everything")
    func ready() {
        var handshake = self.handshake(password: true)
        _ = handshake.begin()
        #expect(self.play(&handshake, "map", "OK", "OK") == "waiting")
        #expect(self.play(&handshake, "OK") == "ready 3 []")
        #expect(self.play(&handshake, "OK") == "failed protocolViolation")
    }

    @Test("optional commands may be refused", arguments: ["-NOPERM no", "-ERR unknown command"])
    func refused(_ error: String) {
        var handshake = self.handshake()
        _ = handshake.begin()
        #expect(self.play(&handshake, "map", error, "OK", "OK") == #"ready 3 ["CLIENT SETNAME"]"#)
        var all = self.handshake()
        _ = all.begin()
        #expect(self.play(&all, "map", error, "OK", error) == #"ready 3 ["CLIENT SETNAME", "PING"]"#)
    }

    /// Tracking needs RESP3 and the server's consent; the service works without it.
    @Test(
        "reads are tracked only if the server agrees",
        arguments: [("OK", "map", true), ("-NOPERM no", "map", false), ("OK", "-ERR unknown command", false)])
    func tracking(_ consent: String, _ hello: String, _ isTracking: Bool) throws {
        var handshake = RedisHandshake(hasPassword: false, hasClientName: true, hasDatabase: true, tracksReads: true)
        #expect(handshake.begin() == [.hello, .setClientName, .trackReads, .selectDatabase, .ping])
        _ = self.play(&handshake, hello, "OK", consent, "OK")
        guard case .ready(let session) = handshake.replied(.simpleOK) else {
            Issue.record("the handshake is not over")
            return
        }
        #expect(session.isTracking == isTracking)
        #expect(session.refusedOptionalCommands == (consent == "OK" ? [] : ["CLIENT TRACKING"]))
    }

    @Test("the database is not optional")
    func database() {
        var handshake = self.handshake()
        _ = handshake.begin()
        #expect(self.play(&handshake, "map", "OK", "-ERR DB index is out of range") == "failed databaseRefused")
        var forbidden = self.handshake()
        _ = forbidden.begin()
        #expect(self.play(&forbidden, "map", "OK", "-NOPERM no") == "failed serverError NOPERM")
    }

    private static func hello(mode: String?) -> RESPValue {
        let mode = mode.map { [.bulkString(ByteBuffer(string: "mode")), RESPValue.bulkString(ByteBuffer(string: $0))] }
        return .map([.bulkString(ByteBuffer(string: "id")), .integer(7)] + (mode ?? []))
    }

    @Test(
        "HELLO says whether the server is a node of a cluster",
        arguments: [("cluster", true), ("standalone", false), ("sentinel", false), (nil, nil)] as [(String?, Bool?)])
    func isCluster(_ mode: String?, _ isCluster: Bool?) {
        #expect(self.session(hello: Self.hello(mode: mode))?.isCluster == isCluster)
        #expect(self.session(hello: Self.hello(mode: mode))?.clientIdentifier == 7)
    }

    @Test("over RESP2 it is not known")
    func isClusterWithoutHello() {
        let session = self.session(hello: .error(ByteBuffer(string: "ERR unknown command")))
        #expect(session?.protocolVersion == 2 && session?.isCluster == nil)
    }

    private func session(hello: RESPValue) -> RedisSession? {
        var handshake = self.handshake(name: false, database: false)
        _ = handshake.begin()
        _ = handshake.replied(hello)
        guard case .ready(let session) = handshake.replied(.simpleString(ByteBuffer(string: "PONG"))) else { return nil }
        return session
    }

    @Test("a cluster has one database, and says so clearly")
    func databaseOfACluster() {
        var handshake = self.handshake(name: false)
        _ = handshake.begin()
        _ = handshake.replied(Self.hello(mode: "cluster"))
        guard case .failed(let failure) = handshake.replied(.error(ByteBuffer(string: "ERR SELECT is not allowed in cluster mode"))) else {
            Issue.record("not failed")
            return
        }
        #expect(failure.code == .databaseRefused && failure.logMessage == "a cluster has database 0 only")
    }

    @Test("a cluster that is down keeps nobody from connecting")
    func clusterDown() {
        var handshake = self.handshake()
        _ = handshake.begin()
        #expect(self.play(&handshake, "map", "OK", "OK", "-CLUSTERDOWN The cluster is down") == "ready 3 []")
    }

    /// Memorystore bounds how many tokens it checks: a second AUTH would be one more.
    @Test("a token that cannot be checked now is not refused", arguments: ["-ERR (ERR_IAM_EXHAUSTED)", "-ERR (ERR_IAM_OTHER) text"])
    func uncheckedToken(_ error: String) {
        var hello = self.handshake(password: true)
        _ = hello.begin()
        #expect(self.play(&hello, error) == "failed iamUnavailable")
        var fallback = self.handshake(password: true, name: false, database: false)
        _ = fallback.begin()
        _ = self.play(&fallback, "-ERR unknown command", "-NOAUTH no")
        #expect(self.play(&fallback, error) == "failed iamUnavailable")
        // What an unknown HELLO quotes is no such error.
        var quoted = self.handshake(password: true, name: false, database: false)
        _ = quoted.begin()
        #expect(self.play(&quoted, "-ERR unknown command, with args '(ERR_IAM_OTHER)'", "-NOAUTH no").hasPrefix("send"))
    }

    @Test("without HELLO and without a password, RESP2 in the first write", arguments: ["-ERR unknown command", "-NOPROTO no", "-NOPERM no"])
    func fallback(_ error: String) {
        var handshake = self.handshake()
        _ = handshake.begin()
        #expect(self.play(&handshake, error, "OK", "OK", "OK") == "ready 2 []")
    }

    @Test("without HELLO and with a password, a second write; the first answers are void")
    func fallbackWithPassword() {
        var handshake = self.handshake(password: true)
        _ = handshake.begin()
        #expect(
            self.play(&handshake, "-ERR unknown command", "-NOAUTH no", "-NOAUTH no", "-NOAUTH no")
                == #"send ["AUTH", "CLIENT SETNAME", "SELECT", "PING"]"#
        )
        #expect(self.play(&handshake, "OK", "-NOPERM no", "OK", "OK") == #"ready 2 ["CLIENT SETNAME"]"#)
    }

    @Test(
        "wrong credentials",
        arguments: ["-WRONGPASS invalid", "-ERR invalid password", "-ERR Client sent AUTH, but no password is set", "-NOAUTH no"])
    func wrongPassword(_ error: String) {
        var fallback = self.handshake(password: true, name: false, database: false)
        _ = fallback.begin()
        _ = self.play(&fallback, "-ERR unknown command", "-NOAUTH no")
        #expect(self.play(&fallback, error).hasPrefix("failed authenticationFailed"))
    }

    @Test("HELLO with wrong credentials fails at once")
    func wrongPasswordInHello() {
        var handshake = self.handshake(password: true)
        _ = handshake.begin()
        #expect(self.play(&handshake, "-WRONGPASS invalid") == "failed authenticationFailed WRONGPASS")
    }

    @Test("a password that is missing")
    func missingPassword() {
        var hello = self.handshake()
        _ = hello.begin()
        #expect(self.play(&hello, "-NOAUTH no") == "failed authenticationFailed NOAUTH")
        var ping = self.handshake(name: false, database: false)
        _ = ping.begin()
        #expect(self.play(&ping, "-ERR unknown command", "-NOAUTH no") == "failed authenticationFailed NOAUTH")
    }

    @Test("a server that loads is not ready", arguments: ["LOADING", "MASTERDOWN"])
    func unfit(_ prefix: String) {
        var handshake = self.handshake()
        _ = handshake.begin()
        #expect(self.play(&handshake, "map", "OK", "OK", "-\(prefix) no") == "failed serverError \(prefix)")
        var early = self.handshake(password: true)
        _ = early.begin()
        #expect(self.play(&early, "-\(prefix) no") == "failed serverError \(prefix)")
    }

    @Test("no failure repeats what a server quoted of HELLO or AUTH")
    func secret() {
        var hello = self.handshake(password: true, name: false, database: false)
        _ = hello.begin()
        guard case .failed(let first) = hello.replied(.error(ByteBuffer(string: "WRONGPASS 's3cret'"))) else {
            Issue.record("not failed")
            return
        }
        var auth = self.handshake(password: true, name: false, database: false)
        _ = auth.begin()
        _ = auth.replied(.error(ByteBuffer(string: "ERR unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'default' 's3cret'")))
        _ = auth.replied(.error(ByteBuffer(string: "NOAUTH")))
        guard case .failed(let second) = auth.replied(.error(ByteBuffer(string: "ERR unknown command 'AUTH', with args beginning with: 's3cret'")))
        else {
            Issue.record("not failed")
            return
        }
        for failure in [first, second] {
            #expect(!"\(failure) \(failure.logMessage ?? "")".contains("s3cret"))
        }
    }

    @Test("the arguments of the commands")
    func arguments() {
        var configuration = RedisConfiguration(endpoint: .unixSocket(path: "/s"), database: 3, clientName: "me")
        #expect(RedisHandshake.Command.hello.arguments(configuration, configuration.password) == ["HELLO", "3"])
        #expect(RedisHandshake.Command.selectDatabase.arguments(configuration, configuration.password) == ["SELECT", "3"])
        #expect(RedisHandshake.Command.setClientName.arguments(configuration, configuration.password) == ["CLIENT", "SETNAME", "me"])
        configuration.password = "p"
        #expect(RedisHandshake.Command.hello.arguments(configuration, configuration.password) == ["HELLO", "3", "AUTH", "default", "p"])
        #expect(RedisHandshake.Command.authenticate.arguments(configuration, configuration.password) == ["AUTH", "p"])
        configuration.user = "u"
        #expect(RedisHandshake.Command.hello.arguments(configuration, configuration.password) == ["HELLO", "3", "AUTH", "u", "p"])
        #expect(RedisHandshake.Command.authenticate.arguments(configuration, configuration.password) == ["AUTH", "u", "p"])
    }
}
