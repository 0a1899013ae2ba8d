import Synchronization

/// Commands that Redis refuses the service while it serves it otherwise. For all event loops; that nothing is refused is one load of an atomic.
final class RefusedCommands: Sendable {
    private let names = Mutex<[String]>([])
    private let isEmpty = Atomic(true)

    /// In the order in which they were refused first.
    var all: [String] { self.isEmpty.load(ordering: .relaxed) ? [] : self.names.withLock { $0 } }

    /// - Returns: whether that is news.
    func add(_ name: String) -> Bool {
        self.names.withLock { names in
            guard !names.contains(name) else { return false }
            names.append(name)
            self.isEmpty.store(false, ordering: .relaxed)
            return true
        }
    }

    func remove(_ name: String) {
        guard !self.isEmpty.load(ordering: .relaxed) else { return }
        self.names.withLock { names in
            names.removeAll { $0 == name }
            self.isEmpty.store(names.isEmpty, ordering: .relaxed)
        }
    }
}
