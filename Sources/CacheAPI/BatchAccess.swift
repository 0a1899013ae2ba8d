package import Access
package import Cache

extension AccessCaller {
    /// Whether the caller may do everything in a batch; the first verdict that says otherwise. A caller who is not known may not even send an empty one.
    package func verdict(_ operations: [BatchOperation]) -> AccessVerdict {
        if case .anybody = self { return .allowed }
        for operation in operations {
            let verdict = self.verdict(operation.action)
            guard verdict == .allowed else { return verdict }
            for tag in operation.tags {
                let verdict = self.verdict(.write(key: tag))
                guard verdict == .allowed else { return verdict }
            }
        }
        return self.verdict(AccessScopes())
    }
}

extension BatchOperation {
    fileprivate var action: AccessAction {
        switch self.kind {
        case .get: .read(key: self.key)
        case .set, .delete, .expire: .write(key: self.key)
        }
    }
}
