import NIOCore

/// The last caller of one connection: the next request of a connection mostly has the same credential, and comparing it is cheaper than hashing it.
///
/// Comparing with what this very connection has shown before tells nobody anything: only its own client can see how long that takes.
package struct CallerMemory {
    private var credential = ByteBuffer()
    private var caller: AccessCaller?
    private var version = -1
    private var notAfter = 0

    package init() {}

    /// Who has this credential.
    /// - Parameter now: nanoseconds of the monotonic clock.
    package mutating func caller(_ credential: UnsafeRawBufferPointer, _ control: AccessControl, now: Int) -> AccessCaller {
        let version = control.version
        if version == self.version, now < self.notAfter, let caller = self.caller, self.isSame(credential) { return caller }
        let (caller, notAfter) = control.caller(credential, now: now)
        self.version = version
        self.notAfter = notAfter
        self.caller = caller
        self.credential = ByteBuffer(bytes: credential)
        return caller
    }

    private func isSame(_ credential: UnsafeRawBufferPointer) -> Bool {
        self.credential.readableBytes == credential.count && self.credential.withUnsafeReadableBytes { $0.begins(with: credential) }
    }
}
