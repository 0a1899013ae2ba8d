import DequeModule
import NIOCore

/// One direction of a proxied connection: what was read and is not delivered yet, in order. On the event loop of its channels.
final class ProxyStream {
    private enum Item {
        case bytes(ByteBuffer)
        case end
    }

    private let destination: any Channel
    private var items: Deque<(due: NIODeadline, item: Item)> = []
    private var isHeld = false

    init(to destination: any Channel) {
        self.destination = destination
    }

    func take(_ bytes: ByteBuffer, delay: TimeAmount) {
        self.append(.bytes(bytes), delay)
    }

    /// The source has ended: so does the destination, after what came before.
    func takeEnd(delay: TimeAmount) {
        self.append(.end, delay)
    }

    /// Holds everything back, or lets it go.
    func hold(_ isHeld: Bool) {
        self.isHeld = isHeld
        self.deliver()
    }

    private func append(_ item: Item, _ delay: TimeAmount) {
        // Order is kept when the delay shrinks.
        let due = max(.now() + delay, self.items.last?.due ?? .uptimeNanoseconds(0))
        self.items.append((due, item))
        self.deliver()
    }

    private func deliver() {
        while !self.isHeld, let first = self.items.first {
            guard first.due <= .now() else {
                self.destination.eventLoop.assumeIsolated().scheduleTask(deadline: first.due) { self.deliver() }
                return
            }
            self.items.removeFirst()
            switch first.item {
            case .bytes(let bytes): self.destination.writeAndFlush(bytes, promise: nil)
            case .end: self.destination.close(promise: nil)
            }
        }
    }
}
