/// How far the registration is.
package struct RegistrationReport: Sendable, Hashable {
    package enum State: String, Sendable, Hashable, CaseIterable {
        /// Under way, or waiting for the next attempt.
        case pending
        /// Another instance is at it.
        case elsewhere
        case registered
        /// The platform will not have it: somebody must look at it.
        case refused
    }

    package var state: State
    /// As the platform calls the agent.
    package var identifier: String?
    /// What went wrong last; nil where nothing did.
    package var fault: String?
}
