package import NIOCore

extension CacheService {
    /// Carries out a batch as `batch` does, in which values may have tags or may be stale for a while.
    ///
    /// The versions of their tags are read before anything is carried out: a tag that is invalidated meanwhile makes its value a miss, as if it had come
    /// after the value. A value for which one can be neither read nor made is not stored, and the others are.
    package func wrappedBatch(
        _ operations: [BatchOperation], acceptsCopy: Bool, maximumValueBytes: Int, on eventLoop: any EventLoop,
        holds: @escaping @Sendable (Int) -> Bool
    ) async -> [BatchOutcome]? {
        if operations.allSatisfy(\.isPlain) {
            return await self.batch(operations, acceptsCopy: acceptsCopy, maximumValueBytes: maximumValueBytes, on: eventLoop, holds: holds)
        }
        var stored: [BatchOperation] = []
        var failed: [Int: CacheAnswer] = [:]
        var known = KnownVersions()
        stored.reserveCapacity(operations.count)
        for (index, operation) in operations.enumerated() {
            guard case .set(let value, let ttlSeconds) = operation.kind, !operation.isPlain else {
                stored.append(operation)
                continue
            }
            let new = NewValue(value, ttlSeconds: ttlSeconds, staleSeconds: operation.staleSeconds, tags: operation.tags)
            switch await self.wrap(new, heldBy: nil, &known, on: eventLoop) {
            case .bytes(let bytes): stored.append(BatchOperation(.set(value: bytes, ttlSeconds: new.lifeSeconds), key: operation.key))
            case .outdated(let source): failed[index] = .conflict(source)
            case .failed(let answer): failed[index] = answer
            }
        }
        let outcomes = await self.batch(stored, acceptsCopy: acceptsCopy, maximumValueBytes: maximumValueBytes, on: eventLoop, holds: holds)
        guard let outcomes, !failed.isEmpty else { return outcomes }
        var rest = outcomes.makeIterator()
        return operations.indices.map { index in failed[index].map { .answered($0) } ?? rest.next() ?? .waiting }
    }
}
