/// How far the service's registration is, as `GET /health` tells it.
package struct RegistrationHealth: Sendable {
    package let state: String
    /// As the platform calls the service.
    package let identifier: String?

    package init(state: String, identifier: String?) {
        self.state = state
        self.identifier = identifier
    }
}
