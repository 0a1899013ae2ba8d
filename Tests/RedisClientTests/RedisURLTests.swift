import NIOCore
import Testing

@testable import RedisClient

@Suite
struct RedisURLTests {
    @Test(
        "where",
        arguments: [
            ("redis://host", "host:6379", 0), ("redis://host/", "host:6379", 0), ("redis://host:1/15", "host:1", 15),
            ("REDIS://10.0.0.3:6380", "10.0.0.3:6380", 0), ("redis://[::1]", "[::1]:6379", 0), ("redis://[fe80::1]:7000/2", "[fe80::1]:7000", 2),
            ("unix:/tmp/redis.sock", "unix:/tmp/redis.sock", 0), ("unix:///tmp/redis.sock?db=2", "unix:/tmp/redis.sock", 2),
        ]
    )
    func endpoint(_ url: String, _ endpoint: String, _ database: Int) throws {
        let configuration = try RedisURL.parse(url)
        #expect(configuration.endpoint.description == endpoint)
        #expect(configuration.database == database)
        #expect(configuration.user == nil)
        #expect(configuration.password == nil)
    }

    @Test(
        "who",
        arguments: [
            ("redis://user:pass@host", "user", "pass"), ("redis://:pass@host", nil, "pass"), ("redis://user:p%40s%3a%2F@host:1/1", "user", "p@s:/"),
            ("redis://:a:b@host", nil, "a:b"), ("redis://:a@b@host", nil, "a@b"), ("redis://us%65r:p@[::1]", "user", "p"),
        ] as [(String, String?, String)]
    )
    func credentials(_ url: String, _ user: String?, _ password: String) throws {
        let configuration = try RedisURL.parse(url)
        #expect(configuration.user == user)
        #expect(configuration.password == RedisPassword(password))
    }

    @Test(
        "several nodes of a cluster, with one user and password",
        arguments: [
            ("redis://u:p@10.0.0.2:6379,10.0.0.3,[::1]:7000", ["10.0.0.2:6379", "10.0.0.3:6379", "[::1]:7000"]),
            ("redis://u:p@[::1],b:1/", ["[::1]:6379", "b:1"]), ("redis://u:p@a", ["a:6379"]),
            ("redis://u:p@a" + String(repeating: ",a", count: 31), Array(repeating: "a:6379", count: 32)),
        ])
    func seeds(_ url: String, _ seeds: [String]) throws {
        let configuration = try RedisURL.parse(url)
        #expect(configuration.seeds.map(\.description) == seeds)
        #expect(configuration.endpoint.description == seeds[0])
        #expect(configuration.user == "u" && configuration.password == "p")
    }

    @Test("a comma belongs to a password, and to a path")
    func commas() throws {
        let configuration = try RedisURL.parse("redis://:a,b@c,d@host")
        #expect(configuration.password == "a,b@c,d" && configuration.seeds == [.tcp(host: "host", port: 6379)])
        #expect(try RedisURL.parse("unix:/a,/b").seeds == [.unixSocket(path: "/a,/b")])
    }

    @Test("an empty user info is none")
    func emptyUserInfo() throws {
        #expect(try RedisURL.parse("redis://@host").password == nil)
        #expect(try RedisURL.parse("redis://:@host").password == nil)
    }

    @Test("TLS by the scheme")
    func encrypted() throws {
        let configuration = try RedisURL.parse("rediss://u:p@10.0.0.3:6378/1")
        #expect(configuration.tls == RedisTLS())
        #expect(configuration.endpoint == .tcp(host: "10.0.0.3", port: 6378))
        #expect(configuration.user == "u" && configuration.password == "p" && configuration.database == 1)
        #expect(try RedisURL.parse("redis://host").tls == nil)
    }

    @Test(
        "what is refused, and why",
        arguments: [
            ("", RedisConfigurationError.Code.unsupportedScheme), ("host", .unsupportedScheme), ("http://host", .unsupportedScheme),
            ("rediss:host", .invalidHost), ("redis:host", .invalidHost), ("redis://", .invalidHost), ("redis:///1", .invalidHost),
            ("redis://:1", .invalidHost), ("redis://ho st", .invalidHost), ("redis://[::1", .invalidHost), ("redis://[host]", .invalidHost),
            ("redis://a,", .invalidHost), ("redis://,a", .invalidHost), ("redis://a,,b", .invalidHost), ("redis://a,b:0", .invalidPort),
            ("redis://a, b", .invalidHost), ("redis://a,u:p@b,[x]", .invalidHost), ("redis://a" + String(repeating: ",a", count: 32), .invalidHost),
            ("redis://a,redis://b", .invalidPort),
            ("redis://host:", .invalidPort), ("redis://host:0", .invalidPort), ("redis://host:65536", .invalidPort),
            ("redis://host:+1", .invalidPort), ("redis://::1", .invalidHost), ("redis://[::1]1", .invalidPort), ("redis://host/x", .invalidDatabase),
            ("redis://host/-1", .invalidDatabase), ("redis://host/1/2", .invalidDatabase), ("redis://host/99999999999999999999", .invalidDatabase),
            ("redis://host?db=1", .invalidQuery), ("redis://host#x", .invalidQuery), ("redis://user@host", .invalidUserInfo),
            ("redis://:%zz@host", .invalidUserInfo), ("redis://:%4@host", .invalidUserInfo), ("redis://%ff:p@host", .invalidUserInfo),
            ("unix:", .invalidPath), ("unix:relative", .invalidPath), ("unix://host/path", .invalidPath), ("unix:/path?x=1", .invalidQuery),
            ("unix:/path?db=x", .invalidDatabase), ("unix:/" + String(repeating: "a", count: 107), .invalidPath),
        ]
    )
    func refused(_ url: String, _ code: RedisConfigurationError.Code) {
        let error = #expect(throws: RedisConfigurationError.self) { try RedisURL.parse(url) }
        #expect(error?.code == code)
    }

    @Test(
        "no error holds the secret",
        arguments: [
            "redis://u:s3cret@", "redis://u:s3cret@host:x", "redis://u:s3cret%@host", "redis://u:s3cret@host/x", "rediss://u:s3cret@host:x",
            "redis://u:s3cret?@host", "redis://u:s3cret/@host", "u:s3cret@host", "s3cret://host",
        ]
    )
    func errorsAreSilent(_ url: String) {
        let error = #expect(throws: RedisConfigurationError.self) { try RedisURL.parse(url) }
        #expect(error.map { !String(reflecting: $0).contains("s3cret") } == true)
    }

    @Test("a password does not print")
    func redacted() throws {
        let configuration = try RedisURL.parse("redis://u:s3cret@host")
        var dumped = ""
        dump(configuration, to: &dumped)
        for text in ["\(configuration)", String(reflecting: configuration), dumped, "\(configuration.password as Any)"] {
            #expect(!text.contains("s3cret"))
            #expect(!text.contains("115"))
        }
    }

    @Test("ranges")
    func ranges() throws {
        let good = RedisConfiguration(endpoint: .tcp(host: "h", port: 6379))
        try good.validate()
        var cluster = good
        (cluster.furtherSeeds, cluster.clusterMode, cluster.maximumShards) = ([.tcp(host: "i", port: 1)], .on, 1000)
        try cluster.validate()
        var changes: [(inout RedisConfiguration) -> Void] = []
        changes.append { $0.commandDeadline = .microseconds(999) }
        changes.append { $0.commandDeadline = .seconds(61) }
        changes.append { $0.controlDeadline = .zero }
        changes.append { $0.connectTimeout = .zero }
        changes.append { $0.deadConnectionTimeout = .milliseconds(9) }
        changes.append { $0.controlIdleTimeout = .zero }
        changes.append { $0.maximumPendingCommands = 0 }
        changes.append { $0.maximumBatchBytes = 0 }
        changes.append { $0.database = -1 }
        changes.append { $0.endpoint = .tcp(host: "", port: 6379) }
        changes.append { $0.endpoint = .tcp(host: "h", port: 0) }
        changes.append { $0.clientName = "a b" }
        changes.append { $0.user = "u" }
        changes.append { $0.furtherSeeds = [.tcp(host: "i", port: 0)] }
        changes.append { ($0.furtherSeeds, $0.clusterMode) = ([.tcp(host: "i", port: 1)], .off) }
        changes.append { ($0.furtherSeeds, $0.database) = ([.tcp(host: "i", port: 1)], 1) }
        changes.append { ($0.clusterMode, $0.database) = (.on, 1) }
        changes.append { $0.maximumShards = 0 }
        changes.append { $0.maximumShards = 1001 }
        for (index, change) in changes.enumerated() {
            var configuration = good
            change(&configuration)
            #expect(throws: RedisConfigurationError.self, "change \(index)") { try configuration.validate() }
        }
    }
}
