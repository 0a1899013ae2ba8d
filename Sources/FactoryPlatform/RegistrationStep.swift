/// What is to be done next.
package enum RegistrationStep: Sendable, Hashable {
    /// Ask for the agents from the `skip`th on.
    case list(skip: Int)
    case create
    case update(identifier: String)
    case wait(seconds: Double, why: String)
    /// Nothing: the platform knows the agent.
    case registered(identifier: String)
    /// Nothing, ever: somebody must look at it.
    case refused(String)
}
