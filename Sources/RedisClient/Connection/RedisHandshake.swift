import DequeModule
import NIOCore
import RESP

/// The commands sent before the first one of the service, as a value: which commands to send, and what their replies mean.
///
/// All commands are sent in one write: HELLO 3 (with the credentials), CLIENT SETNAME, CLIENT TRACKING, SELECT, PING. If the server does not know HELLO (before Redis
/// 6, or renamed), the connection uses RESP2; if there are credentials, a second write sends AUTH and repeats the rest, whose first replies do not
/// count. PING comes last because a server that is loading its data or has lost its master accepts HELLO and SELECT but not PING. If a managed Redis
/// refuses an optional command (CLIENT), the handshake notes it and continues. So it does where a cluster is down: the node is there, and refuses keys
/// only.
///
/// Redis quotes the arguments of an unknown command in its error, so the message of a refused HELLO or AUTH may contain the password: it is never
/// kept.
struct RedisHandshake {
    enum Command: Hashable, Sendable {
        case hello
        case authenticate
        case setClientName
        case trackReads
        case selectDatabase
        case ping
    }

    enum Outcome {
        case waiting
        case send([Command])
        case ready(RedisSession)
        case failed(RedisFailure)
    }

    private let hasPassword: Bool
    private let repeated: [Command]
    private var expected = Deque<Command>()
    private var protocolVersion = 2
    private var refused: [Command] = []
    private var isTracking = false
    private var clientIdentifier: Int64?
    private var isCluster: Bool?
    /// HELLO was refused and there are credentials: the other replies to the first write do not count.
    private var mustAuthenticate = false

    init(hasPassword: Bool, hasClientName: Bool, hasDatabase: Bool, tracksReads: Bool = false) {
        self.hasPassword = hasPassword
        self.repeated =
            (hasClientName ? [.setClientName] : []) + (tracksReads ? [.trackReads] : []) + (hasDatabase ? [.selectDatabase] : []) + [.ping]
    }

    init(_ configuration: RedisConfiguration, hasPassword: Bool) {
        self.init(
            hasPassword: hasPassword,
            hasClientName: configuration.clientName != nil,
            hasDatabase: configuration.database != 0,
            tracksReads: configuration.tracksReads
        )
    }

    mutating func begin() -> [Command] {
        self.send([.hello] + self.repeated)
    }

    mutating func replied(_ value: RESPValue) -> Outcome {
        guard let command = self.expected.popFirst() else {
            return .failed(RedisFailure(.protocolViolation, "a reply to no command of the handshake"))
        }
        if let failure = self.judge(command, value) {
            return .failed(failure)
        }
        guard self.expected.isEmpty else {
            return .waiting
        }
        if self.mustAuthenticate {
            self.mustAuthenticate = false
            return .send(self.send([.authenticate] + self.repeated))
        }
        return .ready(
            RedisSession(
                protocolVersion: self.protocolVersion, refusedOptionalCommands: self.refused.map(\.name), clientIdentifier: self.clientIdentifier,
                isTracking: self.isTracking, isCluster: self.isCluster))
    }

    private mutating func send(_ commands: [Command]) -> [Command] {
        self.expected.append(contentsOf: commands)
        return commands
    }

    /// The failure of the connection that this reply means, if any.
    private mutating func judge(_ command: Command, _ value: RESPValue) -> RedisFailure? {
        guard case .error(let bytes) = value else {
            if command == .hello {
                self.protocolVersion = 3
                self.clientIdentifier = Self.clientIdentifier(value)
                self.isCluster = Self.isCluster(value)
            }
            if command == .trackReads { self.isTracking = value == .simpleOK && self.protocolVersion == 3 }
            return nil
        }
        let failure = RedisFailure.serverError(bytes)
        switch command {
        case .hello:
            return Self.isOfTokenCheck(bytes) ? Self.tokenUnchecked : self.helloRefused(prefix: RedisFailure.prefix(of: bytes))
        case .authenticate:
            return Self.isOfTokenCheck(bytes) ? Self.tokenUnchecked : Self.credentialsRefused(prefix: RedisFailure.prefix(of: bytes))
        case .setClientName, .trackReads, .selectDatabase, .ping:
            return self.mustAuthenticate ? nil : self.refused(command, failure)
        }
    }

    private static func clientIdentifier(_ hello: RESPValue) -> Int64? {
        guard case .integer(let identifier) = self.member("id", of: hello) else { return nil }
        return identifier
    }

    /// `standalone`, `sentinel` or `cluster`.
    private static func isCluster(_ hello: RESPValue) -> Bool? {
        self.member("mode", of: hello)?.text.map { $0 == ByteBuffer(staticString: "cluster") }
    }

    /// A member of the reply to HELLO.
    private static func member(_ name: StaticString, of hello: RESPValue) -> RESPValue? {
        guard case .map(let members) = hello else { return nil }
        let name = ByteBuffer(staticString: name)
        for index in stride(from: 0, to: members.count - 1, by: 2) where members[index].text == name { return members[index + 1] }
        return nil
    }

    private mutating func helloRefused(prefix: String) -> RedisFailure? {
        switch prefix {
        case "WRONGPASS":
            return Self.credentialsRefused(prefix: prefix)
        case "LOADING", "MASTERDOWN", "READONLY":
            return RedisFailure(.serverError, "the server is not ready", prefix: prefix)
        case "NOAUTH" where !self.hasPassword:
            return RedisFailure(.authenticationFailed, "the server requires a password and none is configured", prefix: prefix)
        default:
            self.mustAuthenticate = self.hasPassword
            return nil
        }
    }

    private static func credentialsRefused(prefix: String) -> RedisFailure {
        RedisFailure(.authenticationFailed, "the server refused the user or the password", prefix: prefix)
    }

    /// Whether Memorystore could not find out whether the token is good: `-ERR (ERR_IAM_EXHAUSTED)` if there are too many new connections, and
    /// `-ERR (ERR_IAM_OTHER)`. A token that is bad or has expired is `WRONGPASS`.
    private static func isOfTokenCheck(_ error: ByteBuffer) -> Bool { error.readableBytesView.starts(with: "ERR (ERR_IAM_".utf8) }

    /// No second try on this connection: it would be one more check of those that are too many.
    private static var tokenUnchecked: RedisFailure { RedisFailure(.iamUnavailable, "the server cannot check the access token at the moment") }

    private mutating func refused(_ command: Command, _ failure: RedisFailure) -> RedisFailure? {
        if failure.meansUnfitPeer {
            return failure
        }
        if command == .ping, failure.isClusterDown {
            return nil
        }
        if failure.serverErrorPrefix == "NOAUTH" {
            return RedisFailure(.authenticationFailed, "the server requires a password and none is configured", prefix: "NOAUTH")
        }
        guard command != .selectDatabase else {
            guard failure.serverErrorPrefix == "ERR" else { return failure }
            return RedisFailure(
                .databaseRefused, self.isCluster == true ? "a cluster has database 0 only" : "the server has no database of this number")
        }
        self.refused.append(command)
        return nil
    }
}

extension RedisHandshake.Command {
    /// The usual name, without arguments.
    var name: String {
        switch self {
        case .hello: "HELLO"
        case .authenticate: "AUTH"
        case .setClientName: "CLIENT SETNAME"
        case .trackReads: "CLIENT TRACKING"
        case .selectDatabase: "SELECT"
        case .ping: "PING"
        }
    }

    func arguments(_ configuration: RedisConfiguration, _ password: RedisPassword?) -> [RESPArgument] {
        let password = password.map { RESPArgument.bytes($0.bytes) }
        switch self {
        case .hello:
            guard let password else {
                return ["HELLO", "3"]
            }
            return ["HELLO", "3", "AUTH", .string(configuration.user ?? "default"), password]
        case .authenticate:
            guard let password else {
                return ["AUTH"]
            }
            // One argument for the default user, because Redis has users only since version 6.
            guard let user = configuration.user, user != "default" else {
                return ["AUTH", password]
            }
            return ["AUTH", .string(user), password]
        case .setClientName:
            return ["CLIENT", "SETNAME", .string(configuration.clientName ?? "")]
        case .trackReads:
            return ["CLIENT", "TRACKING", "ON", "OPTIN"]
        case .selectDatabase:
            return ["SELECT", .integer(configuration.database)]
        case .ping:
            return ["PING"]
        }
    }
}

/// What the handshake learned about the server.
package struct RedisSession: Sendable, Hashable {
    /// 2 or 3.
    package let protocolVersion: Int
    /// Optional commands that the server refused, such as `CLIENT SETNAME`; the service works without them.
    package let refusedOptionalCommands: [String]
    /// The server's identifier of this connection (`CLIENT ID`); nil over RESP2.
    package var clientIdentifier: Int64?
    /// Whether the server has promised to say when a read that asks for it is no longer true (`CLIENT TRACKING ON OPTIN`).
    package var isTracking = false
    /// Whether the server is a node of a cluster; nil if it does not say, as over RESP2.
    package var isCluster: Bool?
}
