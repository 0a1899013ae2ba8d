import NIOConcurrencyHelpers
import TestSupport
import Testing

/// Copies of reads, as clients see them: over a real Redis, two event loops and a real socket, with somebody else who writes to Redis.
@Suite(.enabled(if: RedisServerProcess.isAvailable), .timeLimit(.minutes(5))) struct NearCacheContractTests {
    private static let connected = "\"status\":\"healthy\""
    private static let near = "redis-caching-agent; hit; detail=near"
    private static let redis = "redis-caching-agent; hit; detail=redis"

    /// Patient with a busy machine, so that a deadline is never missed: whoever tests an outage says otherwise.
    private func withRedis(
        _ settings: [String: String] = [:], configuration: [String] = [], _ body: (RedisServerProcess, AgentProcess) async throws -> Void
    ) async throws {
        let redis = try RedisServerProcess(configuration: configuration)
        defer { redis.stop() }
        let environment = [
            "REDIS_URL": "redis://127.0.0.1:\(redis.port)", "REDIS_RECONNECT_CAP_MS": "50", "REDIS_DEADLINE_MS": "10000",
            "REDIS_DEAD_TIMEOUT_MS": "60000", "EVENT_LOOPS": "2", "NEAR_MAX_AGE_SECONDS": "3600", "NEAR_ABSENCE_SECONDS": "60",
        ]
        try await AgentProcess.with(environment.merging(settings) { $1 }) { agent in
            try await agent.waitForHealth(Self.connected)
            try await body(redis, agent)
        }
    }

    private func status(_ agent: AgentProcess, _ key: String, _ fields: [String] = []) async throws -> String {
        try await agent.ask(Request.get("/cache/\(key)", fields))["cache-status"] ?? ""
    }

    /// Reads until a copy answers.
    private func copy(_ agent: AgentProcess, _ key: String) async throws {
        try await eventually("a copy of \(key)") { try await self.status(agent, key).hasSuffix("detail=near") }
    }

    // MARK: What is kept

    /// A key that is read once may never be read again. Both the fast lane and the router answer with the copy.
    @Test func theSecondReadIsKept() async throws {
        try await self.withRedis { redis, agent in
            try await redis.run("SET k 1", "SET short 2 EX 1000")
            #expect(try await self.status(agent, "k") == Self.redis)
            #expect(try await self.status(agent, "k") == Self.redis)
            for request in [Request.get("/cache/k"), Request.get("/cache?key=k"), Request.get("/cache/%6B")] {
                let hit = try await agent.ask(request)
                #expect(hit.text == #"{"success":true,"key":"k","value":1}"#)
                #expect(hit["cache-status"] == Self.near)
                #expect(hit["x-cache-degraded"] == nil)
            }
            try await self.copy(agent, "short")
            let short = try await self.status(agent, "short")
            #expect(short.wholeMatch(of: #/redis-caching-agent; hit; ttl=\d+; detail=near/#) != nil, "\(short)")
        }
    }

    @Test func aClientMayInsistOnRedis() async throws {
        try await self.withRedis { redis, agent in
            try await redis.run("SET k 1")
            try await self.copy(agent, "k")
            for field in ["Cache-Control: no-cache", "Cache-Control: max-age=0"] {
                #expect(try await self.status(agent, "k", [field]) == Self.redis)
                #expect(try await agent.ask(Request.get("/cache?key=k", [field]))["cache-status"] == Self.redis)
            }
            #expect(try await self.status(agent, "k") == Self.near, "the copy is still there")
        }
    }

    @Test func anAbsenceIsKeptUntilItEnds() async throws {
        try await self.withRedis { redis, agent in
            try await eventually("an absence that is kept") {
                try await self.status(agent, "k") == "redis-caching-agent; fwd=miss; detail=near"
            }
            #expect(try await agent.get("k") == "404")
            try await redis.run("SET k 1")
            try await eventually("the value of somebody else") { try await agent.get("k") == "1" }
        }
    }

    /// Whoever asks gets Redis's own words about them, or an error; a copy is never looked at again.
    @Test func whatIsNoJSONIsNotKept() async throws {
        try await self.withRedis { redis, agent in
            try await redis.run("SET k {open", "SET empty nothing", "APPEND empty x")
            let first = try await agent.ask(Request.get("/cache/k"))
            for _ in 0..<5 {
                for key in ["k", "empty"] { #expect(try await !self.status(agent, key).hasSuffix("detail=near")) }
                #expect(try await agent.ask(Request.get("/cache/k")).text == first.text)
            }
        }
    }

    @Test func withoutItEveryReadIsOfRedis() async throws {
        try await self.withRedis(["NEAR_CACHE": "off"]) { redis, agent in
            try await redis.run("SET k 1")
            for _ in 0..<5 { #expect(try await self.status(agent, "k") == Self.redis) }
        }
    }

    // MARK: What others write

    @Test(arguments: ["SET k 2", "APPEND k 0", "DEL k", "INCR k", "RENAME other k", "EXPIRE k 0", "FLUSHALL", "FLUSHDB"])
    func aForeignChangeIsSeen(_ command: String) async throws {
        try await self.withRedis { redis, agent in
            try await redis.run("SET k 1", "SET other 3")
            try await self.copy(agent, "k")
            try await redis.run(command)
            let value = try await redis.run("GET k")
            let expected = value == "$-1\r\n" ? "404" : String(value.split(separator: "\r\n")[1])
            #expect(expected != "1")
            try await eventually("the change") { try await agent.get("k") == expected }
            try await self.copy(agent, "k")
            #expect(try await agent.get("k") == expected)
        }
    }

    /// Redis says that a key has expired when it gets to it, which here is never: the copy has a deadline of its own.
    @Test func aCopyEndsWithItsKey() async throws {
        try await self.withRedis(configuration: ["enable-debug-command local"]) { redis, agent in
            try await redis.run("DEBUG SET-ACTIVE-EXPIRE 0", "SET k 1 PX 2000", "SET later 1")
            var copies = 0
            try await eventually("the end of the key") {
                let answer = try await agent.ask(Request.get("/cache/k"))
                if answer["cache-status"]?.hasSuffix("detail=near") == true { copies += 1 }
                return answer.status == 404
            }
            #expect(copies > 0, "nothing was tested")
            try await self.copy(agent, "later")
            try await redis.run("PEXPIRE later 50")
            try await eventually("the end of the other key") { try await agent.get("later") == "404" }
            for _ in 0..<20 {
                for key in ["k", "later"] { #expect(try await agent.get(key) == "404") }
            }
        }
    }

    /// Redis forgets whom to tell, and says so: the copies go, and nothing old stays.
    @Test func aSmallTrackingTableCostsCopiesAlone() async throws {
        try await self.withRedis(configuration: ["tracking-table-max-keys 10"]) { redis, agent in
            let keys = (0..<100).map { "k\($0)" }
            try await redis.run("MSET " + keys.map { "\($0) 1" }.joined(separator: " "))
            for _ in 0..<3 {
                for key in keys { #expect(try await agent.get(key) == "1") }
            }
            try await redis.run("MSET " + keys.map { "\($0) 2" }.joined(separator: " "))
            for key in keys { try await eventually("the value of somebody else") { try await agent.get(key) == "2" } }
        }
    }

    /// All of them are in one message.
    @Test func tenThousandKeysAtOnce() async throws {
        try await self.withRedis { redis, agent in
            let keys = (0..<10_000).map { "k\($0)" }
            try await redis.run("MSET " + keys.map { "\($0) 1" }.joined(separator: " "))
            _ = try await self.readAll(keys, agent, times: 2)
            let copied = try await self.readAll(keys, agent, times: 1)
            #expect(copied.count { $0["cache-status"] == Self.near } == keys.count)
            try await redis.run("UNLINK " + keys.joined(separator: " "))
            try await eventually("no copy of a key that is gone") {
                try await self.readAll(keys, agent, times: 1).allSatisfy { $0.status == 404 }
            }
        }
    }

    /// Each key some times in a row, over one connection.
    private func readAll(_ keys: [String], _ agent: AgentProcess, times: Int) async throws -> [WireResponse] {
        try await WireClient.connect(port: agent.port) { connection in
            var answers: [WireResponse] = []
            for start in stride(from: 0, to: keys.count, by: 50) {
                let batch = keys[start..<min(start + 50, keys.count)]
                try await connection.send(batch.map { String(repeating: Request.get("/cache/\($0)"), count: times) }.joined())
                for _ in 0..<(batch.count * times) { answers.append(try await connection.response()) }
            }
            return answers
        }
    }

    // MARK: What is written through the service

    /// Many readers keep a copy of the key on both event loops, while it is written, deleted and invalidated: none gets less than was acknowledged.
    /// With `ttl`, no push of Redis helps.
    @Test(arguments: ["auto", "ttl"]) func nobodyGetsLessThanWasAcknowledged(_ mode: String) async throws {
        try await self.withRedis(["NEAR_CACHE": mode, "NEAR_TTL_MS": "60000"]) { _, agent in
            // Even rounds write the number, odd ones take the key away.
            let acknowledged = NIOLockedValueBox(0)
            let isOver = NIOLockedValueBox(false)
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        var copies = 0
                        try await WireClient.connect(port: agent.port) { connection in
                            while !isOver.withLockedValue({ $0 }) {
                                let least = acknowledged.withLockedValue { $0 }
                                try await connection.send(Request.get("/cache/p:k"))
                                let answer = try await connection.response()
                                if answer["cache-status"]?.hasSuffix("detail=near") == true { copies += 1 }
                                let latest = acknowledged.withLockedValue { $0 }
                                let value = answer.text.dropLast().split(separator: ":").last.flatMap { Int($0) }
                                // An absence is right if a round that takes the key away may have been the last: an odd one, perhaps not answered yet.
                                let lastOddRound = latest % 2 == 0 ? latest + 1 : latest
                                let isPossible = answer.status == 404 ? lastOddRound >= least : (value ?? -1) >= least
                                #expect(isPossible, "\(answer.statusLine) \(answer.text) after round \(least)")
                            }
                        }
                        return copies
                    }
                }
                try await self.writeRounds(agent, acknowledged)
                isOver.withLockedValue { $0 = true }
                let copies = try await group.reduce(0, +)
                #expect(copies > 0, "nothing was tested")
            }
        }
    }

    private func writeRounds(_ agent: AgentProcess, _ acknowledged: NIOLockedValueBox<Int>) async throws {
        // Over two connections, so that both event loops write.
        try await WireClient.connect(port: agent.port) { first in
            try await WireClient.connect(port: agent.port) { second in
                for round in 2..<600 {
                    let request =
                        switch round % 4 {
                        case 1: Request.delete("/cache/p:k")
                        case 3: Request.post("/cache/invalidate", #"{"pattern":"p:*"}"#)
                        default: Request.post("/cache", #"{"key":"p:k","value":\#(round)}"#)
                        }
                    let isFirst = round % 3 == 0
                    if isFirst { try await first.send(request) } else { try await second.send(request) }
                    let answer = try await isFirst ? first.response() : second.response()
                    #expect(answer.status == 200)
                    acknowledged.withLockedValue { $0 = round }
                    // Now and then it is read for a while, so that a copy comes.
                    for _ in 0..<6 {
                        try await first.send(Request.get("/cache/p:k"))
                        try await second.send(Request.get("/cache/p:k"))
                        for answer in [try await first.response(), try await second.response()] {
                            let value = answer.status == 404 ? nil : answer.text.dropLast().split(separator: ":").last.flatMap { Int($0) }
                            #expect(value == (round % 2 == 0 ? round : nil), "round \(round)")
                        }
                    }
                }
            }
        }
    }

    // MARK: A Redis that does not track

    @Test func withoutPermissionToTrackNothingIsKept() async throws {
        try await self.withRedis(configuration: ["user default on nopass ~* &* +@all -client"]) { redis, agent in
            try await redis.run("SET k 1")
            for _ in 0..<5 { #expect(try await self.status(agent, "k") == Self.redis) }
            #expect(try await agent.set("k", 2).status == 200)
            #expect(try await agent.get("k") == "2")
            #expect(try await agent.ask(Request.delete("/cache/k")).status == 200)
            #expect(try await agent.get("k") == "404")
        }
    }

    /// What the operator has chosen: a copy is answered for a while, and what others write is seen after it.
    @Test(arguments: ["+@all", "+@all -client"]) func copiesForAWhile(_ permissions: String) async throws {
        let configuration = ["user default on nopass ~* &* \(permissions)"]
        try await self.withRedis(["NEAR_CACHE": "ttl", "NEAR_TTL_MS": "60000"], configuration: configuration) { redis, agent in
            try await redis.run("SET k 1")
            try await self.copy(agent, "k")
            try await redis.run("SET k 2")
            #expect(try await agent.set("k", 3).status == 200)
            for _ in 0..<5 { #expect(try await agent.get("k") == "3") }
            #expect(try await agent.ask(Request.delete("/cache/k")).status == 200)
            #expect(try await agent.get("k") == "404")
        }
        try await self.withRedis(["NEAR_CACHE": "ttl", "NEAR_TTL_MS": "50"], configuration: configuration) { redis, agent in
            try await redis.run("SET k 1")
            try await self.copy(agent, "k")
            try await redis.run("SET k 2")
            try await eventually("the value of somebody else") { try await agent.get("k") == "2" }
        }
    }

    // MARK: When Redis is lost

    private static let outage = ["REDIS_DEADLINE_MS": "1000", "REDIS_DEAD_TIMEOUT_MS": "5000"]

    /// A server that has stopped says nothing of changes. Its connections live, and nothing but the sign of life tells.
    @Test func aSilentRedisVouchesForNothing() async throws {
        let settings = [
            "REDIS_DEADLINE_MS": "50", "REDIS_DEAD_TIMEOUT_MS": "600000", "REDIS_BREAKER_DEADLINES": "1000", "NEAR_SIGN_OF_LIFE_MS": "10",
        ]
        try await self.withRedis(settings) { redis, agent in
            try await redis.run("SET k 1")
            try await self.copy(agent, "k")
            redis.pause()
            try await eventually("an answer that is marked") { try await agent.ask(Request.get("/cache/k"))["x-cache-degraded"] == "1" }
            for _ in 0..<20 {
                let answer = try await agent.ask(Request.get("/cache/k"))
                #expect(answer["cache-status"] == "redis-caching-agent; hit; detail=outage")
                #expect(answer["x-cache-degraded"] == "1")
                #expect(answer.text == #"{"success":true,"key":"k","value":1}"#, "it is still what was last known")
            }
            redis.resume()
            try await self.copy(agent, "k")
            try await redis.run("SET k 2")
            try await eventually("the value of somebody else") { try await agent.get("k") == "2" }
        }
    }

    @Test func inAnOutageCopiesAnswer() async throws {
        try await self.withRedis(Self.outage) { redis, agent in
            try await redis.run("SET k 1", "SET deleted 2", "SET written 3", "SET p:1 4")
            for key in ["k", "deleted", "written", "p:1", "absent"] { try await self.copy(agent, key) }
            redis.stop()
            try await agent.waitForHealth("\"state\":\"outage\"")
            for request in [Request.get("/cache/k"), Request.get("/cache?key=k")] {
                let hit = try await agent.ask(request)
                #expect(hit.text == #"{"success":true,"key":"k","value":1}"#)
                #expect(hit["cache-status"] == "redis-caching-agent; hit; detail=outage")
                #expect(hit["x-cache-degraded"] == "1")
            }
            #expect(try await self.status(agent, "unknown") == "redis-caching-agent; fwd=miss; detail=outage")
            #expect(try await agent.ask(Request.get("/cache/k", ["Cache-Control: no-cache"])).status == 404, "a client that wants no copy")

            // What is done meanwhile counts, not the copy.
            for key in ["deleted", "unknown"] {
                #expect(try await agent.ask(Request.delete("/cache/\(key)")).status == 200, "nobody knows that \(key) is not in Redis")
                #expect(try await agent.get(key) == "404")
                #expect(try await agent.ask(Request.delete("/cache/\(key)")).status == 404)
            }
            #expect(try await agent.ask(Request.delete("/cache/absent")).status == 404, "that it was not in Redis is known")
            #expect(try await agent.set("written", 5).status == 200)
            #expect(try await agent.get("written") == "5")
            #expect(try await agent.ask(Request.post("/cache/invalidate", #"{"pattern":"p:*"}"#)).status == 200)
            #expect(try await agent.get("p:1") == "404")
            #expect(try await agent.get("k") == "1")
        }
    }

    @Test(arguments: [["OUTAGE_READS": "miss"], ["OUTAGE_STALE_SECONDS": "0"]])
    func copiesThatAnOutageDoesNotWant(_ settings: [String: String]) async throws {
        try await self.withRedis(Self.outage.merging(settings) { $1 }) { redis, agent in
            try await redis.run("SET k 1")
            try await self.copy(agent, "k")
            redis.stop()
            try await eventually("a miss") { try await self.status(agent, "k") == "redis-caching-agent; fwd=miss; detail=outage" }
            for _ in 0..<5 { #expect(try await agent.get("k") == "404") }
        }
    }

    /// The copies are of before the loss, and what happened meanwhile nobody has said.
    @Test func afterTheReturnNothingOfBeforeTheLossIsCurrent() async throws {
        try await self.withRedis(Self.outage) { redis, agent in
            try await redis.run("SET k 1", "SET gone 1")
            for key in ["k", "gone", "absent"] { try await self.copy(agent, key) }
            redis.stop()
            try await agent.waitForHealth("\"state\":\"outage\"")
            #expect(try await agent.get("k") == "1")
            try redis.startEmpty()
            try await redis.run("SET k 2", "SET absent 2")
            // Nobody may say 1 without saying that it may be old.
            try await eventually("the value of now") {
                for key in ["k", "gone"] {
                    let answer = try await agent.ask(Request.get("/cache/\(key)"))
                    #expect(answer.text != #"{"success":true,"key":"\#(key)","value":1}"# || answer["x-cache-degraded"] == "1")
                }
                return try await self.status(agent, "k") == Self.near
            }
            #expect(try await agent.get("k") == "2")
            try await eventually("a value") { try await agent.get("absent") == "2" }
            try await eventually("an absence that is current") {
                try await self.status(agent, "gone") == "redis-caching-agent; fwd=miss; detail=near"
            }
        }
    }

    /// Only the connections are lost: Redis goes on, and has other values when the service is back.
    @Test func aLostConnectionTakesItsCopiesWithIt() async throws {
        try await self.withRedis { redis, agent in
            for value in 1...20 {
                try await redis.run("SET k \(value)")
                try await eventually("value \(value)") { try await agent.get("k") == "\(value)" }
                try await self.copy(agent, "k")
                try await redis.run("CLIENT KILL TYPE normal SKIPME yes", "SET k \(-value)")
                try await eventually("value \(-value)") { try await agent.get("k") == "\(-value)" }
                try await agent.waitForHealth(Self.connected)
            }
        }
    }
}
