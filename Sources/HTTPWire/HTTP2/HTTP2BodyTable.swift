import NIOCore
import NIOHTTP2

/// The requests of a connection that lack bytes of their bodies, each with what has come.
struct HTTP2BodyTable {
    struct Body {
        let id: HTTP2StreamID
        let headers: HTTP2Frame.FramePayload.Headers
        let request: KeyRequest
        /// What was taken of the head, and the body behind it.
        var bytes: ByteBuffer
    }

    private var bodies: [Body] = []
    /// How many bytes all of them need room for.
    private(set) var heldBytes = 0

    mutating func add(_ body: Body) {
        self.bodies.append(body)
        self.heldBytes += body.request.count
    }

    /// Returns nil if there is no such request.
    mutating func remove(_ id: HTTP2StreamID) -> Body? {
        guard let index = self.index(of: id) else { return nil }
        let body = self.bodies.remove(at: index)
        self.heldBytes -= body.request.count
        return body
    }

    mutating func append(_ bytes: ByteBuffer, on id: HTTP2StreamID) {
        if let index = self.index(of: id) { self.bodies[index].bytes.writeImmutableBuffer(bytes) }
    }

    /// By how much the client's window for a request must grow, so that its body fits in; nil if that is not necessary.
    func windowIncrement(_ id: HTTP2StreamID, window: Int) -> Int? {
        guard let index = self.index(of: id) else { return nil }
        let missing = self.bodies[index].request.count - self.bodies[index].bytes.readableBytes
        return window < missing ? missing - window : nil
    }

    private func index(of id: HTTP2StreamID) -> Int? { self.bodies.firstIndex { $0.id == id } }
}
