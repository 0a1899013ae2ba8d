import TestSupport
import Testing

/// The cluster that other tests stand on.
@Suite(.enabled(if: RedisServerProcess.isAvailable), .timeLimit(.minutes(5))) struct RedisClusterProcessTests {
    @Test func slotsAreThoseOfTheServer() async throws {
        let bus = try PortReservation()
        let server = try RedisServerProcess(configuration: ["cluster-enabled yes", "cluster-port \(bus.port)"])
        let keys = ["", "a", "123456789", "{user}:1", "x{user}", "{}x", "{a", "}{a}", "{{a}}b", "a{b}{c}", "schlüssel"]
        let replies = try await server.replies(to: keys.map { ["CLUSTER", "KEYSLOT", $0] })
        #expect(replies == keys.map { .integer(RedisClusterProcess.slot(of: $0)) })
        #expect(RedisClusterProcess.slot(of: "123456789") == 0x31C3, "the specification's own example")
    }

    @Test func slotsMoveWithTheirKeys() async throws {
        try await RedisClusterProcess.with { cluster in
            #expect(try await cluster.masters() == [0, 1, 2])
            let slot = RedisClusterProcess.slot(of: "{tag}")
            let source = try #require(try await cluster.owner(of: slot))
            let target = (source + 1) % 3
            for number in 0..<250 { #expect(try await cluster.keyed("SET", "{tag}\(number)", "\(number)") == .text("OK")) }

            try await cluster.halfMove(slot, from: source, to: target)
            #expect(try await cluster.command(source, "DBSIZE") == .integer(125))
            #expect(try await cluster.command(target, "DBSIZE") == .integer(125))
            #expect(try await cluster.owner(of: slot) == source)
            for number in 0..<250 { #expect(try await cluster.keyed("GET", "{tag}\(number)") == .text("\(number)")) }

            try await cluster.finishMove(slot, from: source, to: target)
            #expect(try await cluster.command(source, "DBSIZE") == .integer(0))
            #expect(try await cluster.command(target, "DBSIZE") == .integer(250))
            #expect(try await cluster.owner(of: slot) == target)

            let many = try await cluster.slots(of: target).prefix(500)
            try await cluster.migrate(many, from: target, to: source)
            #expect(Set(try await cluster.slots(of: source)).isSuperset(of: many))
            for number in 0..<250 { #expect(try await cluster.keyed("GET", "{tag}\(number)") == .text("\(number)")) }
        }
    }

    @Test func slotsChangeWithoutTheirKeys() async throws {
        try await RedisClusterProcess.with { cluster in
            let key = try await cluster.key("k", at: 0)
            let slot = RedisClusterProcess.slot(of: key)
            #expect(try await cluster.keyed("SET", key, "1") == .text("OK"))
            try await cluster.takeOver([slot], from: 0, by: 1)
            try await eventually("the new owner") { try await cluster.keyed("GET", key) == .null }
            #expect(try await cluster.owner(of: slot) == 1)
            try await cluster.lose([slot])
            #expect(try await cluster.owner(of: slot) == nil)
            #expect(try await cluster.keyed("GET", key).error?.hasPrefix("CLUSTERDOWN") == true)
            let other = try await cluster.key("other", at: 0)
            #expect(try await cluster.keyed("GET", other) == .null, "the others are served")
            try await cluster.give([slot], to: 2)
            try await eventually("a served slot") { try await cluster.keyed("GET", key) == .null }
        }
    }

    @Test func replicasTakeOver() async throws {
        var shape = RedisClusterProcess.Shape()
        shape.replicas = 2
        try await RedisClusterProcess.with(shape) { cluster in
            let replica = try #require(try await cluster.replica(of: 0))
            let key = try await cluster.key("k", at: 0)
            #expect(try await cluster.keyed("SET", key, "1") == .text("OK"))
            try await cluster.failover(to: replica)
            #expect(try await cluster.owner(ofKey: key) == replica)
            try await eventually("the old master to follow") { try await cluster.replica(of: replica) == 0 }
            try await cluster.settle()

            cluster.kill(replica)
            try await cluster.waitForTakeover(by: 0)
            try await cluster.settle()
            #expect(try await cluster.keyed("GET", key) == .text("1"))
            try await cluster.restart(replica)
            try await cluster.settle()
            #expect(try await cluster.masters() == [0, 1, 2])

            let other = try #require(try await cluster.replica(of: 1))
            cluster.pause(1)
            try await cluster.waitForTakeover(by: other)
            cluster.resume(1)
            try await eventually("the stopped master to follow") { try await cluster.replica(of: other) == 1 }
        }
    }

    @Test(.enabled(if: TestCertificates.isAvailable)) func encryptedAndWithAPassword() async throws {
        let certificates = try TestCertificates(names: "IP:127.0.0.1")
        defer { certificates.remove() }
        var shape = RedisClusterProcess.Shape()
        shape.certificates = certificates
        shape.password = "s3cret"
        shape.requiresFullCoverage = true
        try await RedisClusterProcess.with(shape) { cluster in
            #expect(cluster.url(0) == "rediss://:s3cret@127.0.0.1:\(cluster.ports[0])")
            let key = try await cluster.key("k", at: 0)
            #expect(try await cluster.keyed("SET", key, "1") == .text("OK"))
            try await cluster.migrate([RedisClusterProcess.slot(of: key)], from: 0, to: 2)
            #expect(try await cluster.command(2, "GET", key) == .text("1"))
            cluster.kill(1)
            try await eventually("no service") { try await cluster.keyed("GET", key).error?.hasPrefix("CLUSTERDOWN") == true }
        }
    }
}
