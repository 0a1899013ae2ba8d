import CoreMetrics
package import Logging
import ServiceLifecycle
import Synchronization

/// Registers this agent with the platform, in the background, and checks now and then that it still is registered.
package final class AgentRegistration: Service {
    /// How long to wait before asking again for a lock that another instance holds.
    package static let lockSeconds = 60
    private static let startJitterSeconds = 3.0

    private let server: PlatformServer
    private let lock: (any RegistrationLock)?
    private let intervalSeconds: Int
    private let describe: @Sendable () async -> AgentDescription
    private let logger: Logger
    private let sleep: @Sendable (Double) async throws -> Void
    private let state = Mutex(RegistrationReport(state: .pending))

    /// - Parameters:
    ///   - lock: nil if there is only one instance, or no Redis to keep it.
    ///   - intervalSeconds: how often to check that the agent is still registered; 0 for never.
    ///   - describe: what the platform is to know, as it is now.
    package init(
        server: PlatformServer, lock: (any RegistrationLock)?, intervalSeconds: Int, logger: Logger,
        sleep: @escaping @Sendable (Double) async throws -> Void = { try await Task.sleep(for: .seconds($0)) },
        describe: @escaping @Sendable () async -> AgentDescription
    ) {
        self.server = server
        self.lock = lock
        self.intervalSeconds = intervalSeconds
        self.logger = logger
        self.sleep = sleep
        self.describe = describe
    }

    package var report: RegistrationReport { self.state.withLock { $0 } }

    /// Registers, then checks at intervals until the service stops.
    package func run() async throws {
        try? await cancelWhenGracefulShutdown {
            try await self.sleep(Double.random(in: 0..<Self.startJitterSeconds))
            var goal = RegistrationPlan.Goal.current
            while true {
                try await self.takeLock()
                guard try await self.register(goal).state == .registered, self.intervalSeconds > 0 else { break }
                goal = .present
                try await self.sleep(Double(self.intervalSeconds))
            }
            // The other services go on.
            try await self.sleep(.infinity)
        }
    }

    private func takeLock() async throws {
        while await self.lock?.acquire() == .held {
            self.change { if $0.state == .pending { $0.state = .elsewhere } }
            try await self.sleep(Double(Self.lockSeconds) * Double.random(in: 1..<1.2))
        }
    }

    /// Takes step after step until the plan has none left.
    ///
    /// - Parameters:
    ///   - attempts: how many times to wait, at most, before giving up.
    ///   - trace: receives every step and its result.
    @discardableResult package func register(
        _ goal: RegistrationPlan.Goal = .current, attempts: Int = .max, trace: (String) -> Void = { _ in }
    ) async throws -> RegistrationReport {
        let description = await self.describe()
        var plan = RegistrationPlan(description, goal: goal)
        var event = RegistrationEvent.started
        var waits = 0
        while true {
            let step = plan.next(event, random: Double.random(in: 0..<1))
            switch step {
            case .list(let skip):
                event = self.counted("list", await self.server.list(skip: skip))
                trace("list from \(skip): \(event.summary)")
            case .create:
                event = self.counted("create", await self.server.create(description))
                trace("register: \(event.summary)")
            case .update(let identifier):
                event = self.counted("update", await self.server.update(identifier, description))
                trace("update \(identifier): \(event.summary)")
            case .wait(let seconds, let why):
                self.change { ($0.state, $0.fault) = ($0.identifier == nil ? .pending : $0.state, why) }
                waits += 1
                guard waits <= attempts else { return self.report }
                trace("\(why); again in \((seconds * 10).rounded() / 10) s")
                try await self.sleep(seconds)
                event = .waited
            case .registered(let identifier):
                self.change { $0 = RegistrationReport(state: .registered, identifier: identifier) }
                return self.report
            case .refused(let detail):
                self.change { $0 = RegistrationReport(state: .refused, fault: detail) }
                return self.report
            }
        }
    }

    private func counted(_ request: String, _ event: RegistrationEvent) -> RegistrationEvent {
        Counter(label: "cacheagent_factory_registration_requests_total", dimensions: [("request", request), ("result", event.result)]).increment()
        return event
    }

    /// Logs a change once: a failure that lasts for hours is one line.
    private func change(_ change: (inout RegistrationReport) -> Void) {
        let (old, new) = self.state.withLock { report in
            let old = report
            change(&report)
            return (old, report)
        }
        for state in RegistrationReport.State.allCases {
            Gauge(label: "cacheagent_factory_registration_state", dimensions: [("state", state.rawValue)]).record(state == new.state ? 1 : 0)
        }
        guard old != new else { return }
        var metadata: Logger.Metadata = ["registration.state": "\(new.state.rawValue)"]
        if let identifier = new.identifier { metadata["registration.agent"] = "\(identifier)" }
        if let fault = new.fault { metadata["registration.fault"] = "\(fault)" }
        switch new.state {
        case .registered where new.fault == nil: self.logger.notice("registered with the platform", metadata: metadata)
        case .elsewhere: self.logger.info("another instance registers the agent", metadata: metadata)
        case .refused: self.logger.error("the platform refuses the registration", metadata: metadata)
        case .registered: self.logger.warning("the platform cannot be asked whether it still knows the agent", metadata: metadata)
        case .pending: self.logger.warning("not registered with the platform yet", metadata: metadata)
        }
    }
}

/// The progress of the registration.
package struct RegistrationReport: Sendable, Hashable {
    package enum State: String, Sendable, Hashable, CaseIterable {
        /// Under way, or waiting for the next attempt.
        case pending
        /// Another instance takes care of it.
        case elsewhere
        case registered
        /// The platform rejects it: an operator must look at it.
        case refused
    }

    package var state: State
    /// The platform's identifier of the agent.
    package var identifier: String?
    /// What went wrong last; nil if nothing did.
    package var fault: String?
}

/// Lets one of several instances register the agent. If the lock is unavailable, all may: registering twice is harmless, only unnecessary.
package protocol RegistrationLock: Sendable {
    /// Takes the lock for a while.
    func acquire() async -> RegistrationLockOutcome
}

/// The result of an attempt to take the lock.
package enum RegistrationLockOutcome: Sendable, Hashable {
    case acquired
    /// Another instance has it.
    case held
    case unavailable
}
