/// What became of an attempt to take the lock.
package enum RegistrationLockOutcome: Sendable, Hashable {
    case acquired
    /// Another instance has it.
    case held
    case unavailable
}
