extension UnsafeRawBufferPointer {
    /// Whether the first bytes are those of `prefix`, which must not be longer; compared a word at a time. O(prefix length).
    @inline(__always)
    func startsIdentically(with prefix: UnsafeRawBufferPointer) -> Bool {
        let count = prefix.count
        precondition(count <= self.count)
        var offset = 0
        while offset + 8 <= count {
            let (left, right) = (
                loadUnaligned(fromByteOffset: offset, as: UInt64.self), prefix.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            )
            if left != right { return false }
            offset += 8
        }
        while offset < count {
            if self[offset] != prefix[offset] { return false }
            offset += 1
        }
        return true
    }
}
