/// Why a process that a test needs could not be had.
package struct TestProcessError: Error, Sendable {
    package let reason: String

    package init(reason: String) {
        self.reason = reason
    }
}
