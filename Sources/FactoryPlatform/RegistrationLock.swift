/// Makes one of several instances register the agent. Where it cannot be asked, all may: registering twice harms nothing, it is only not needed.
package protocol RegistrationLock: Sendable {
    /// Takes the lock for a while.
    func acquire() async -> RegistrationLockOutcome
}
