import FactoryPlatform
import RESP
import RedisClient

/// A key of Redis that one instance sets, and that goes by itself.
struct RedisRegistrationLock: RegistrationLock {
    let control: RedisControl
    let key: String
    let instance: String

    func acquire() async -> RegistrationLockOutcome {
        let command: [RESPArgument] = [
            .bytes(Array("SET".utf8)), .bytes(Array(self.key.utf8)), .bytes(Array("\"\(self.instance)\"".utf8)), .bytes(Array("NX".utf8)),
            .bytes(Array("EX".utf8)), .bytes(Array("\(AgentRegistration.lockSeconds)".utf8)),
        ]
        guard case .success(let reply) = await self.control.pipeline([command]).first else { return .unavailable }
        return if case .null = reply { .held } else { .acquired }
    }
}
