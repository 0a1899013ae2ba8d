extension BatchOperation {
    fileprivate var commandCount: Int {
        switch self.kind {
        // A read asks for the value and for its time to live, and may ask to be told of changes.
        case .get: 3
        case .set, .delete: 1
        // A read comes first.
        case .expire: 4
        }
    }
}

/// What a batch takes of the queue of a connection to Redis.
package struct BatchDemand {
    package private(set) var commands = 0
    /// Bytes of keys and values, besides what every command has.
    package private(set) var byteCount = 0

    init(_ operations: [BatchOperation]) {
        for operation in operations {
            self.commands += operation.commandCount
            self.byteCount += operation.byteCount
        }
    }
}

extension ClusterStore {
    /// A full queue would be taken for an outage of Redis. So a batch is only sent if the queue of every shard that is asked has room for all of it, and
    /// otherwise refused before anything of it is done.
    package func hasRoom(forBatchOf operations: [BatchOperation]) -> Bool {
        let demand = BatchDemand(operations)
        return self.allStores.allSatisfy { $0.connection.hasRoom(for: demand) }
    }
}
