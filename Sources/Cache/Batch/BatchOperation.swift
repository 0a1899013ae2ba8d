package import NIOCore

/// One operation of a batch.
package struct BatchOperation: Equatable, Sendable {
    package enum Kind: Equatable, Sendable {
        case get
        /// - Parameter ttlSeconds: time to live; nil for none.
        case set(value: ByteBuffer, ttlSeconds: Int64?)
        case delete
        /// - Parameter ttlSeconds: the new time to live of the value that there is; nil for none.
        case expire(ttlSeconds: Int64?)
    }

    package let kind: Kind
    package let key: ByteBuffer

    /// Of a set: for how many seconds after its time to live the value may still be answered. 0 without a time to live.
    package let staleSeconds: Int64
    /// Of a set: what the value can be invalidated by besides its key; at most `Envelope.maximumTags`.
    package let tags: [ByteBuffer]
    /// Of a get: whether the entity tag of the value is wanted.
    package let wantsEntityTag: Bool

    package init(_ kind: Kind, key: ByteBuffer, staleSeconds: Int64 = 0, tags: [ByteBuffer] = [], wantsEntityTag: Bool = false) {
        self.kind = kind
        self.key = key
        self.wantsEntityTag = wantsEntityTag
        self.staleSeconds = staleSeconds
        self.tags = tags
    }

    /// Whether nothing has to be read before it is sent.
    package var isPlain: Bool { self.staleSeconds == 0 && self.tags.isEmpty }

    /// What the metrics count it as.
    package var operation: CacheOperation {
        switch self.kind {
        case .get: .get
        case .set: .set
        case .delete: .delete
        case .expire: .expire
        }
    }

    var isRead: Bool { if case .get = self.kind { true } else { false } }

    /// Whether the operation reads before it changes.
    var dependsOnValue: Bool { if case .expire = self.kind { true } else { false } }

    /// The longest of what a change of the time to live sends besides its key: a script, and what an envelope says of a value.
    private static let expiryByteCount = 2048

    /// How many bytes of commands it takes at most, besides what every command has.
    var byteCount: Int {
        switch self.kind {
        // Two commands name the key.
        case .get: 2 * self.key.readableBytes
        case .set(let value, _): self.key.readableBytes + value.readableBytes
        case .delete: self.key.readableBytes
        case .expire: 3 * self.key.readableBytes + Self.expiryByteCount
        }
    }
}

/// What became of one operation of a batch.
package enum BatchOutcome: Sendable {
    /// The store has not answered yet. No batch is answered with it.
    case waiting
    case answered(CacheAnswer)
    /// A value was found that the answer has no room for, and was let go.
    case valueDropped(CacheSource)
}
