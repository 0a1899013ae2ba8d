import AsyncHTTPClient
import Logging
import NIOConcurrencyHelpers
import NIOCore
import TestSupport
import Testing

@testable import FactoryPlatform

/// The registration against a platform of our own, which fails in every way that the real one has been seen to.
@Suite(.timeLimit(.minutes(5))) struct AgentRegistrationTests {
    private static let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
    private static let name = "Redis Caching Layer Agent"
    private static let description = AgentDescription(
        name: name, version: "1.0.0", selfURL: "https://cache.example.com/", repositoryURL: nil, requirementsIdentifier: "prd", isDegraded: false)

    private static func registration(
        _ platform: FakePlatform, lock: (any RegistrationLock)? = nil, interval: Int = 0, timeout: TimeAmount = .seconds(60),
        sleep: @escaping @Sendable (Double) async throws -> Void = { _ in await Task.yield() }
    ) -> AgentRegistration {
        let server = PlatformServer(client: .shared, url: platform.url, timeout: timeout)
        return AgentRegistration(server: server, lock: lock, intervalSeconds: interval, logger: self.logger, sleep: sleep) { self.description }
    }

    private static func row(_ platform: FakePlatform) throws -> [String: String] {
        let rows = platform.rows(named: self.name)
        #expect(rows.count == 1)
        return try #require(rows.first)
    }

    @Test(arguments: FakePlatform.Store.allCases) func aNewAgentBecomesActive(_ store: FakePlatform.Store) async throws {
        let platform = try await FakePlatform.start(store)
        let report = try await Self.registration(platform).register()
        let row = try Self.row(platform)
        #expect(report == RegistrationReport(state: .registered, identifier: row["id"]))
        #expect(row["status"] == "active" && row["health_status"] == "healthy" && row["prd_id"] == "prd" && row["agent_type"] == "api_service")
        #expect(row["deployment_url"] == "https://cache.example.com" && row["health_check_url"] == "https://cache.example.com/health")
        #expect(platform.resets == 0 && platform.creations == 1 && platform.updates == 1)
        // Again: nothing differs, nothing is written.
        #expect(try await Self.registration(platform).register().state == .registered)
        #expect(platform.resets == 0 && platform.updates == 1)
        try await platform.stop()
    }

    @Test(arguments: ["draft", "inactive", "error"]) func aKnownAgentIsUpdatedAndNeverRegisteredAgain(_ status: String) async throws {
        let platform = try await FakePlatform.start(.memory)
        platform.seed(["id": "7", "name": Self.name, "status": status, "version": "0.9.0"])
        #expect(try await Self.registration(platform).register().identifier == "7")
        let row = try Self.row(platform)
        #expect(row["status"] == "active" && row["version"] == "1.0.0")
        #expect(platform.resets == 0 && platform.creations == 0 && platform.updates == 1)
        try await platform.stop()
    }

    private static let faults = FakePlatform.Store.allCases.flatMap { store in
        FakePlatform.Request.allCases.flatMap { request in FakePlatform.Fault.allCases.map { (store, request, $0) } }
    }

    /// Every fault at every step, once and thrice in a row: it ends with one active row, and an active one is never reset.
    @Test(arguments: faults)
    func everyFaultEndsInOneActiveRow(_ store: FakePlatform.Store, _ request: FakePlatform.Request, _ fault: FakePlatform.Fault) async throws {
        guard request == .list || fault != .empty else { return }
        for count in [1, 3] {
            for isKnown in [false, true] where !(isKnown && request == .create) {
                let platform = try await FakePlatform.start(store)
                if isKnown { platform.seed(["id": "7", "name": Self.name, "status": "active"]) }
                for _ in 0..<count { platform.order(request, fault) }
                let timeout = fault == .silence ? TimeAmount.milliseconds(200) : .seconds(60)
                let report = try await Self.registration(platform, timeout: timeout).register()
                // A write that happened need not be tried again.
                #expect(report.state == .registered && platform.faultsLeft < count)
                #expect(try Self.row(platform)["status"] == "active")
                #expect(platform.resets == 0, "what is there is not registered again")
                try await platform.stop()
            }
        }
    }

    @Test(arguments: FakePlatform.Store.allCases, [false, true])
    func eightInstancesAtOnce(_ store: FakePlatform.Store, _ hasLock: Bool) async throws {
        let platform = try await FakePlatform.start(store)
        let lock = hasLock ? SharedLock() : nil
        try await withThrowingTaskGroup { group in
            for _ in 0..<8 {
                group.addTask {
                    if let lock, await lock.acquire() != .acquired { return }
                    let report = try await Self.registration(platform).register()
                    #expect(report.state == .registered)
                }
            }
            try await group.waitForAll()
        }
        #expect(try Self.row(platform)["status"] == "active")
        if hasLock { #expect(platform.resets == 0 && platform.creations == 1) }
        try await platform.stop()
    }

    @Test func theAgentIsOnALaterPage() async throws {
        let platform = try await FakePlatform.start(.database)
        for number in 0..<2100 { platform.seed(["id": "a\(number)", "name": "Agent \(number)", "status": "active"]) }
        platform.seed(["id": "z", "name": Self.name, "status": "draft"])
        #expect(try await Self.registration(platform).register().identifier == "z")
        #expect(platform.creations == 0 && platform.resets == 0)
        #expect(platform.requests.map(\.method) == ["GET", "GET", "GET", "PUT"])
        try await platform.stop()
    }

    @Test func whatIsRefusedIsNotTriedAgain() async throws {
        let platform = try await FakePlatform.start(.database)
        let server = PlatformServer(client: .shared, url: platform.url, timeout: .seconds(60))
        let description = AgentDescription(
            name: String(repeating: "x", count: 101), version: "1", selfURL: "https://x", repositoryURL: nil, requirementsIdentifier: nil,
            isDegraded: true)
        let registration = AgentRegistration(
            server: server, lock: nil, intervalSeconds: 0, logger: Self.logger, sleep: { _ in await Task.yield() }
        ) { description }
        let report = try await registration.register()
        #expect(report.state == .refused && report.fault?.contains("Field required") == true)
        #expect(platform.requests.filter { $0.method == "POST" }.count == 1)
        try await platform.stop()
    }

    @Test func attemptsAreBounded() async throws {
        let platform = try await FakePlatform.start(.database)
        for _ in 0..<100 { platform.order(.list, .unavailable) }
        let report = try await Self.registration(platform).register(attempts: 5)
        #expect(report.state == .pending && report.fault == "status 503")
        #expect(platform.requests.count == 6)
        try await platform.stop()
    }

    /// A later look: what people changed meanwhile is theirs, but an agent that is gone comes back.
    @Test func laterLooksRespectWhatPeopleDid() async throws {
        let platform = try await FakePlatform.start(.database)
        let registration = Self.registration(platform)
        try await registration.register()
        platform.change(Self.name, "status", "inactive")
        #expect(try await registration.register(.present).state == .registered)
        #expect(try Self.row(platform)["status"] == "inactive")
        platform.removeAll()
        #expect(try await registration.register(.present).state == .registered)
        #expect(try Self.row(platform)["status"] == "active")
        #expect(platform.resets == 0 && platform.creations == 2)
        try await platform.stop()
    }

    @Test func theTokenIsShown() async throws {
        let platform = try await FakePlatform.start(.database)
        let server = PlatformServer(client: .shared, url: platform.url + "/", timeout: .seconds(60)) { "the-token" }
        let registration = AgentRegistration(
            server: server, lock: nil, intervalSeconds: 0, logger: Self.logger, sleep: { _ in await Task.yield() }
        ) { Self.description }
        try await registration.register()
        #expect(!platform.requests.isEmpty && platform.requests.allSatisfy { $0.fields["authorization"] == "Bearer the-token" })
        try await platform.stop()
    }

    @Test func theServiceWaitsForTheLockAndLooksAgain() async throws {
        let platform = try await FakePlatform.start(.database)
        let lock = SharedLock(holdsFor: 3)
        let slept = NIOLockedValueBox<[Double]>([])
        let registration = Self.registration(platform, lock: lock, interval: 600) { seconds in
            let isOver = slept.withLockedValue { slept in
                slept.append(seconds)
                return slept.count(where: { $0 == 600 }) == 2
            }
            if isOver { throw CancellationError() }
            await Task.yield()
        }
        try await registration.run()
        #expect(registration.report.state == .registered)
        let times = slept.withLockedValue { $0 }
        #expect(times[0] < 3, "instances that start together do not ask together")
        #expect(times[1...3].allSatisfy { (60..<72).contains($0) })
        #expect(platform.creations == 1)
        try await platform.stop()
    }
}

/// Given to one, for as long as it is asked by others.
private actor SharedLock: RegistrationLock {
    private var isFree = true
    private var holdsFor: Int?

    init(holdsFor: Int? = nil) {
        self.holdsFor = holdsFor
    }

    func acquire() async -> RegistrationLockOutcome {
        if let left = self.holdsFor {
            self.holdsFor = left - 1
            return left > 0 ? .held : .acquired
        }
        defer { self.isFree = false }
        return self.isFree ? .acquired : .held
    }
}
