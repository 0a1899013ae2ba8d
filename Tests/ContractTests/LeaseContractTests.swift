import NIOCore
import TestSupport
import Testing

/// Who computes what many miss, as clients see it, on both stores.
@Suite(.timeLimit(.minutes(5))) struct LeaseContractTests {
    @Test(arguments: Store.available) func oneOfAllWhoMissGetsTheLease(_ store: Store) async throws {
        try await store.withAgent { agent in
            let first = try await agent.lease("k")
            #expect(first.status == 404)
            #expect(first.text == #"{"detail":"Key not found"}"#)
            #expect(first.leaseToken?.wholeMatch(of: #/[0-9a-f]{32}/#) != nil)
            #expect(first["retry-after"] == nil)
            #expect(first["cache-control"] == "no-store")
            for target in ["/cache/k?lease=5", "/cache?key=k&lease=5"] {
                let other = try await agent.ask(Request.get(target))
                #expect(other.status == 404)
                #expect(other.isHeld)
                #expect(other["retry-after"] == "1")
            }
            // Readers who want no lease see no value, as ever.
            let plain = try await agent.ask(Request.get("/cache/k"))
            #expect(plain.status == 404)
            #expect(plain["cache-lease"] == nil)
            let token = try #require(first.leaseToken)
            let filled = try await agent.fill("k", token)
            #expect(filled.text == #"{"success":true,"key":"k","message":"Value cached successfully with TTL: 60"}"#)
            let hit = try await agent.lease("k")
            #expect(hit.text == #"{"success":true,"key":"k","value":1}"#)
            #expect(hit["cache-lease"] == nil)
            #expect(try await agent.fill("k", token, value: "2").status == 409)
            #expect(try await agent.get("k") == "1")
        }
    }

    /// What was deleted while a value was computed may be what the value was computed from.
    @Test(arguments: Store.available, ["DELETE", "POST", "pattern"])
    func whatChangesTheKeyVoidsTheLease(_ store: Store, _ change: String) async throws {
        try await store.withAgent { agent in
            let token = try await agent.takeLease("k")
            switch change {
            case "DELETE": #expect(try await agent.ask(Request.delete("/cache/k")).status == 200)
            case "POST": #expect(try await agent.set("k", 7).status == 200)
            default: #expect(try await agent.ask(Request.post("/cache/invalidate", #"{"pattern":"k*"}"#)).status == 200)
            }
            let late = try await agent.fill("k", token)
            #expect(late.status == 409)
            #expect(late.text == #"{"detail":"The lease no longer stands"}"#)
            #expect(try await agent.get("k") == (change == "POST" ? "7" : "404"))
            #expect(try await agent.giveUp("k", token).status == 409)
            #expect(try await agent.lease("k", token: token).status == (change == "POST" ? 200 : 409))
        }
    }

    @Test(arguments: Store.available) func aLeaseIsRenewedAndGivenUp(_ store: Store) async throws {
        try await store.withAgent { agent in
            let token = try await agent.takeLease("k", seconds: 50)
            let renewed = try await agent.lease("k", seconds: 60, token: token)
            #expect(renewed.status == 404)
            #expect(renewed.leaseToken == token)
            let given = try await agent.giveUp("k", token)
            #expect(given.text == #"{"success":true,"key":"k","message":"Lease given up"}"#)
            #expect(try await agent.giveUp("k", token).status == 409)
            let next = try await agent.takeLease("k", seconds: 60)
            #expect(next != token)
            // From the renewal on it lasts as long as the renewal says.
            #expect(try await agent.lease("k", seconds: 1, token: next).leaseToken == next)
            #expect(try await agent.lease("k", wait: 10_000).leaseToken != nil)
            #expect(try await agent.lease("k", token: next).status == 409)
        }
    }

    @Test(arguments: Store.available) func aLeaseThatRunsOutIsGivenToAnother(_ store: Store) async throws {
        try await store.withAgent { agent in
            let token = try await agent.takeLease("k", seconds: 1)
            let next = try await agent.lease("k", wait: 10_000)
            #expect(next.status == 404)
            #expect(next.leaseToken != nil)
            #expect(try await agent.fill("k", token).status == 409)
        }
    }

    @Test(arguments: Store.available) func whoWaitsGetsTheValueOrHearsThatTheTimeIsOver(_ store: Store) async throws {
        try await store.withAgent { agent in
            let token = try await agent.takeLease("k")
            let over = try await agent.lease("k", wait: 50)
            #expect(over.status == 404)
            #expect(over.isHeld)
            async let waiting = agent.lease("k", wait: 10_000)
            try await agent.waitForMetric("cacheagent_lease_waiting") { $0 == 1 }
            #expect(try await agent.fill("k", token, value: #""v""#).status == 200)
            let value = try await waiting
            #expect(value.text == #"{"success":true,"key":"k","value":"v"}"#)
            #expect(try await agent.metric("cacheagent_lease_waiting") == 0)
        }
    }

    /// A front end may send everything over one connection.
    @Test(arguments: Store.available) func thoseWhoWaitOnAConnectionHoldNobodyUpThere(_ store: Store) async throws {
        try await store.withAgent(["REQUESTS_IN_FLIGHT_MAX": "60"]) { agent in
            let token = try await agent.takeLease("k")
            try await HTTP2Client.connect(port: agent.port) { client in
                try await withThrowingTaskGroup(of: String.self) { group in
                    for _ in 0..<60 { group.addTask { try await client.ask(Request.get("/cache/k?lease=5&wait=10000")).text } }
                    try await agent.waitForMetric("cacheagent_lease_waiting") { $0 == 60 }
                    #expect(try await client.ask(Request.get("/cache?key=other")).status == 404)
                    let fill = Request.post("/cache", #"{"key":"k","value":1,"ttl":60}"#, ["Cache-Lease: \(token)"])
                    #expect(try await client.ask(fill).status == 200)
                    let answers = try await group.reduce(into: Set()) { $0.insert($1) }
                    #expect(answers == [#"{"success":true,"key":"k","value":1}"#])
                }
            }
        }
    }

    @Test(arguments: Store.available) func ofAllWhoWaitOneGetsALeaseThatIsGivenUp(_ store: Store) async throws {
        try await store.withAgent(["EVENT_LOOPS": "2"]) { agent in
            let token = try await agent.takeLease("k", seconds: 60)
            try await withThrowingTaskGroup(of: WireResponse.self) { group in
                for _ in 0..<10 { group.addTask { try await agent.lease("k", seconds: 60, wait: 10_000) } }
                try await agent.waitForMetric("cacheagent_lease_waiting") { $0 == 10 }
                #expect(try await agent.giveUp("k", token).status == 200)
                let next = try #require(try await group.next())
                let newToken = try #require(next.leaseToken)
                // The first of each event loop asks again; the one that gets no lease is on its way back.
                try await agent.waitForMetric("cacheagent_lease_waiting") { $0 == 9 }
                #expect(try await agent.fill("k", newToken).status == 200)
                for try await answer in group { #expect(answer.status == 200) }
            }
        }
    }

    @Test(arguments: Store.available) func noMoreWaitThanMay(_ store: Store) async throws {
        try await store.withAgent(["LEASE_MAX_WAITING": "2"]) { agent in
            let token = try await agent.takeLease("k")
            async let first = agent.lease("k", wait: 10_000)
            async let second = agent.lease("k", wait: 10_000)
            try await agent.waitForMetric("cacheagent_lease_waiting") { $0 == 2 }
            let third = try await agent.lease("k", wait: 10_000)
            #expect(third.status == 503)
            #expect(third["retry-after"] == "1")
            #expect(try await agent.metric(#"cacheagent_http_refusals_total{limit="lease_waiters"}"#) == 1)
            #expect(try await agent.fill("k", token).status == 200)
            #expect(try await first.status == 200)
            #expect(try await second.status == 200)
        }
    }

    @Test(arguments: Store.available) func aClientThatLeavesFreesItsPlace(_ store: Store) async throws {
        try await store.withAgent(["LEASE_MAX_WAITING": "1"]) { agent in
            _ = try await agent.takeLease("k", seconds: 60)
            try await WireClient.connect(port: agent.port) { connection in
                try await connection.send(Request.get("/cache/k?lease=10&wait=10000"))
                try await agent.waitForMetric("cacheagent_lease_waiting") { $0 == 1 }
            }
            try await agent.waitForMetric("cacheagent_lease_waiting") { $0 == 0 }
        }
    }

    /// Most clients that close do so with both sides; nobody can tell from the first.
    @Test(arguments: Store.available) func aClientThatClosesItsSideNoLongerWaits(_ store: Store) async throws {
        try await store.withAgent { agent in
            _ = try await agent.takeLease("k", seconds: 60)
            try await WireClient.connect(port: agent.port) { connection in
                try await connection.send(Request.get("/cache/k?lease=10&wait=10000"))
                try await agent.waitForMetric("cacheagent_lease_waiting") { $0 == 1 }
                try await connection.channel.close(mode: .output).get()
                try await agent.waitForMetric("cacheagent_lease_waiting") { $0 == 0 }
                #expect(try await connection.response().isHeld)
            }
            #expect(try await agent.metric("cacheagent_lease_wait_seconds_sum") < 9)
        }
    }

    @Test(arguments: Store.available) func valuesAreStoredForLeasesToo(_ store: Store) async throws {
        try await store.withAgent { agent in
            let token = try await agent.takeLease("k")
            let field = "Cache-Lease: \(token)"
            let text = "Content-Type: text/plain"
            #expect(try await agent.ask(ValueContractTests.put("/values/k?ttl=60", "a", [text, "Cache-Lease: junk"])).status == 422)
            let both = try await agent.ask(ValueContractTests.put("/values/k?ttl=60", "a", [text, field, "If-None-Match: *"]))
            #expect(both.status == 422 && both.text.contains("a lease goes without If-Match and If-None-Match"))
            #expect(try await agent.ask(ValueContractTests.put("/values/k?ttl=60", "a", [text, field])).status == 201)
            #expect(try await agent.ask(Request.get("/values/k")).text == "a")
            #expect(try await agent.ask(ValueContractTests.put("/values/k", "b", [text, field])).status == 409)
            #expect(try await agent.ask(Request.delete("/values/k", [field])).status == 409)
            #expect(try await agent.ask(Request.get("/values/k")).text == "a")
            #expect(try await agent.ask(Request.delete("/values/k")).status == 204)
            let next = try await agent.takeLease("k")
            #expect(try await agent.ask(Request.delete("/values/k", ["Cache-Lease: \(next)"])).status == 204)
            #expect(try await agent.lease("k").leaseToken != nil, "it has been given up")
        }
    }

    // MARK: Conditions

    /// A value that needs no lease is read as without `lease`.
    @Test(arguments: Store.available) func conditionsCountForAValue(_ store: Store) async throws {
        try await store.withAgent { agent in
            #expect(try await agent.set("k", 1, ttl: 60).status == 200)
            let tag = try #require(try await agent.lease("k")["etag"])
            for (field, status) in [
                ("If-None-Match: \(tag)", 304), ("If-None-Match: *", 304), (#"If-None-Match: "x""#, 200), (#"If-Match: "x""#, 412),
                ("If-Match: \(tag)", 200),
            ] {
                for target in ["/cache/k?lease=5", "/cache?key=k&lease=5&wait=100"] {
                    #expect(try await agent.ask(Request.get(target, [field])).status == status, "\(target), \(field)")
                }
            }
            #expect(try await agent.ask(Request.get("/cache/none?lease=5", ["If-None-Match: *"])).leaseToken != nil)
        }
    }

    /// `HEAD` changes nothing, and waits for nobody.
    @Test(arguments: Store.available) func headTakesNoLease(_ store: Store) async throws {
        try await store.withAgent { agent in
            for target in ["/cache/k?lease=60&wait=10000", "/cache?key=k&lease=60", "/cache?key=k&lease=x"] {
                let answer = try await agent.ask(Request.head("HEAD", target) + "\r\n")
                #expect(answer.status == 404 && answer["cache-lease"] == nil && answer["retry-after"] == nil, "\(target)")
            }
            _ = try await agent.takeLease("k")
            #expect(try await agent.ask(Request.head("HEAD", "/cache/k?lease=60&wait=10000") + "\r\n")["cache-lease"] == nil)
        }
        try await AccessFixture.withAgent(scopes: "read") { agent, field in
            let answer = try await agent.ask(Request.head("HEAD", "/cache/k?lease=5", [field]) + "\r\n")
            #expect(answer.status == 404, "to read is enough")
        }
    }

    // MARK: Stale values

    @Test(arguments: Store.available) func aStaleValueIsAnsweredWhileOneComputesTheNext(_ store: Store) async throws {
        try await store.withAgent { agent in
            _ = try await agent.store("k", members: #","ttl":60,"stale":60"#)
            let fresh = try await agent.lease("k")
            #expect(fresh.status == 200)
            #expect(fresh["x-cache-stale"] == nil)
            #expect(fresh["cache-lease"] == nil)
            #expect(try await agent.store("k", members: #","ttl":1,"stale":60"#).text.hasSuffix(#"with TTL: 1"}"#))
            let stale = try await eventually("a stale value") {
                try await agent.ask(Request.get("/cache/k"))
            } until: {
                $0["x-cache-stale"] == "1"
            }
            #expect(stale.text == #"{"success":true,"key":"k","value":1}"#)
            #expect(stale["cache-status"]?.contains(#/hit; ttl=(0|-\d+)/#) == true)
            let leased = try await agent.lease("k")
            #expect(leased.status == 200)
            #expect(leased["x-cache-stale"] == "1")
            let token = try #require(leased.leaseToken)
            // Nobody waits who has something to go on with.
            let other = try await agent.lease("k", wait: 10_000)
            #expect(other.status == 200)
            #expect(other.isHeld)
            #expect(try await agent.fill("k", token, value: "2").status == 200)
            #expect(try await agent.get("k") == "2")
        }
    }

    /// A lease may outlast the value beside it: then it goes on without the value.
    @Test(arguments: Store.available) func aLeaseOutlastsAStaleValue(_ store: Store) async throws {
        try await store.withAgent { agent in
            _ = try await agent.store("k", members: #","ttl":1,"stale":2"#)
            let stale = try await eventually("a stale value") {
                try await agent.lease("k", seconds: 60)
            } until: {
                $0.leaseToken != nil
            }
            try await eventually("the end of the value") { try await agent.get("k") == "404" }
            let other = try await agent.lease("k")
            #expect(other.status == 404)
            #expect(other.isHeld)
            let staleToken = try #require(stale.leaseToken)
            #expect(try await agent.fill("k", staleToken, value: "2").status == 200)
            #expect(try await agent.get("k") == "2")
        }
    }

    @Test(arguments: Store.available) func aLeaseThatIsGivenUpLeavesTheStaleValue(_ store: Store) async throws {
        try await store.withAgent { agent in
            _ = try await agent.store("k", members: #","ttl":1,"stale":60"#)
            let stale = try await eventually("a stale value") {
                try await agent.lease("k", seconds: 60)
            } until: {
                $0.leaseToken != nil
            }
            let staleToken = try #require(stale.leaseToken)
            #expect(try await agent.giveUp("k", staleToken).status == 200)
            #expect(try await agent.get("k") == "1")
            #expect(try await agent.lease("k").leaseToken != nil)
        }
    }

    // MARK: Refusals

    static let wrong = [
        ("/cache/k?lease=0", "greater_than_equal"), ("/cache/k?lease=61", "less_than_equal"), ("/cache/k?lease=x", "int_parsing"),
        ("/cache/k?lease=", "int_parsing"), ("/cache/k?lease=5&wait=10001", "less_than_equal"),
        ("/cache?key=k&lease=5&wait=-1", "greater_than_equal"),
    ]

    @Test(arguments: wrong) func wrongParametersAreRefused(_ target: String, _ type: String) async throws {
        try await Store.memory.withAgent { agent in
            let answer = try await agent.ask(Request.get(target))
            #expect(answer.status == 422)
            #expect(answer.text.contains(#""type":"\#(type)","loc":["query","#))
        }
    }

    @Test func aTokenThatIsNoneIsRefused() async throws {
        try await Store.memory.withAgent { agent in
            let answers = [
                try await agent.fill("k", "held"), try await agent.giveUp("k", "1"), try await agent.lease("k", token: "x"),
                try await agent.ask(Request.get("/cache/k", ["Cache-Lease: x"])),
            ]
            for answer in answers {
                #expect(answer.status == 422)
                #expect(answer.text.contains(#""loc":["header","cache-lease"]"#))
            }
            #expect(try await agent.fill("k", String(repeating: "0", count: 32)).status == 409)
        }
    }

    /// A lease is written: who may not write does not get it.
    @Test func aLeaseTakesThePermissionToWrite() async throws {
        try await AccessFixture.withAgent(scopes: "read") { agent, field in
            let plain = try await agent.ask(Request.get("/cache/k", [field]))
            let leased = try await agent.ask(Request.get("/cache/k?lease=5", [field]))
            #expect(plain.status == 404 && leased.status == 403)
        }
    }
}
