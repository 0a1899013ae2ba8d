import NIOCore

/// A request's target as the router reads it: path and query apart, each decoded exactly once, where it is used.
struct TargetText {
    let path: Substring
    let query: Substring?

    init(_ target: String) {
        let fragmentless = target.prefix { $0 != "#" }
        if let mark = fragmentless.firstIndex(of: "?") {
            self.path = fragmentless[..<mark]
            self.query = fragmentless[fragmentless.index(after: mark)...]
        } else {
            self.path = fragmentless
            self.query = nil
        }
    }

    /// The decoded value of the last parameter `name`; nil where there is none.
    ///
    /// In a query, unlike in a path, a plus sign is a space (the form encoding of the URL standard), as every client library writes it.
    func parameter(_ name: String) -> ByteBuffer? {
        guard let query = self.query else { return nil }
        var found: ByteBuffer?
        for pair in query.split(separator: "&", omittingEmptySubsequences: true) {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let first = parts.first, self.decode(first) == ByteBuffer(string: name) else { continue }
            found = self.decode(parts.count == 2 ? parts[1] : "")
        }
        return found
    }

    private func decode(_ text: Substring) -> ByteBuffer? {
        let spaced = ByteBuffer(bytes: text.utf8.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: " ") : $0 })
        return PercentDecoding.decode(spaced.readableBytesView, allocator: ByteBufferAllocator())
    }
}
