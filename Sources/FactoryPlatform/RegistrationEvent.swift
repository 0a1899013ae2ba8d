/// What came of a step.
package enum RegistrationEvent: Sendable, Hashable {
    case started
    case waited
    case listed(AgentPage)
    /// The platform's answer to a registration or an update.
    case saved(AgentRow)
    /// The agent that was to be updated is not there any more.
    case gone
    /// The platform will never take this, whatever is tried again.
    case refused(String)
    /// It did not work, or it did and nobody said so.
    case failed(String)
}
