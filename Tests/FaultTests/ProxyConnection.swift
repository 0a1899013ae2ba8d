import DequeModule
import NIOCore
import TestSupport

/// A client's connection through a proxy, with its counterpart at the server. On one event loop.
final class ProxyConnection {
    private static let lateMilliseconds: Int64 = 400

    private let client: any Channel
    private let toServer: ProxyStream
    private let toClient: ProxyStream
    private var fault = ProxyFault.none
    private var random: SplitMix64
    private var isHalfClosed = false
    private var hasClientEnded = false
    private var hasServerEnded = false

    var isEnded: Bool { self.hasClientEnded && self.hasServerEnded }

    init(client: any Channel, server: any Channel, seed: UInt64) {
        self.client = client
        self.toServer = ProxyStream(to: server)
        self.toClient = ProxyStream(to: client)
        self.random = SplitMix64(seed: seed)
    }

    func apply(_ fault: ProxyFault) {
        self.fault = fault
        if fault == .cut { self.client.close(promise: nil) }
        if self.hasClientEnded, fault != .blackHole {
            self.deliverLate()
        } else {
            self.toServer.hold(fault == .blackHole)
        }
        self.toClient.hold(fault == .blackHole)
        if fault == .halfClose {
            self.isHalfClosed = true
            self.client.close(mode: .output, promise: nil)
        }
    }

    /// A network delivers what a client left behind whenever it likes, also after what the client has sent over a later connection.
    private func deliverLate() {
        let delay = TimeAmount.milliseconds(Int64.random(in: 0...Self.lateMilliseconds, using: &self.random))
        self.client.eventLoop.assumeIsolated().scheduleTask(in: delay) { self.toServer.hold(false) }
    }

    func clientSent(_ bytes: ByteBuffer) {
        self.toServer.take(bytes, delay: .milliseconds(Int64(self.fault.delayMilliseconds)))
    }

    func serverSent(_ bytes: ByteBuffer) {
        guard !self.isHalfClosed else { return }
        self.toClient.take(self.fault == .garbage ? self.noise(bytes.readableBytes) : bytes, delay: self.clientDelay)
    }

    func clientEnded() {
        self.hasClientEnded = true
        self.toServer.takeEnd(delay: .milliseconds(Int64(self.fault.delayMilliseconds)))
    }

    func serverEnded() {
        self.hasServerEnded = true
        self.toClient.takeEnd(delay: self.clientDelay)
    }

    private var clientDelay: TimeAmount {
        if case .delay(_, let milliseconds) = self.fault { .milliseconds(Int64(milliseconds)) } else { .zero }
    }

    private func noise(_ count: Int) -> ByteBuffer {
        ByteBuffer(bytes: (0..<max(count, 1)).map { _ in UInt8.random(in: 0...255, using: &self.random) })
    }
}

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
