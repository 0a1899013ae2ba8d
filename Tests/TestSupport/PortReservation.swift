import Glibc

/// A port of the loopback that nobody but its owner gets, for as long as this lives: whether a server listens on it at the moment or not.
///
/// Idea. A socket that is bound and does not listen keeps the kernel from giving the port away, be it to a server that asks for any port or to a client
/// as the near end of its connection; a suite has thousands of these. A server that sets `SO_REUSEADDR`, as nearly all do, can listen on it all the same,
/// and while none does, connections are refused.
package final class PortReservation: Sendable {
    /// On 127.0.0.1.
    package let port: Int
    private let descriptor: Int32

    package init() throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw TestProcessError(reason: "no socket") }
        var reuse: Int32 = 1
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(MemoryLayout<Int32>.size)) == 0
                    && bind(descriptor, generic, length) == 0 && getsockname(descriptor, generic, &length) == 0
            }
        }
        guard isBound else {
            close(descriptor)
            throw TestProcessError(reason: "no free port")
        }
        self.descriptor = descriptor
        self.port = Int(UInt16(bigEndian: address.sin_port))
    }

    deinit { close(self.descriptor) }
}
