package import NIOCore

/// What a request wants to do with one key. What it wants to do with many is confined by ``AccessCaller/confined(_:)``.
package enum AccessAction {
    case read(key: ByteBuffer)
    case write(key: ByteBuffer)

    /// The scope that it takes.
    package var scope: AccessScopes {
        switch self {
        case .read: .read
        case .write: .write
        }
    }
}
