package import NIOCore

/// A request's target as the router reads it: path and query apart, each decoded exactly once, where it is used.
package struct TargetText {
    package let path: Substring.UTF8View
    package let query: Substring.UTF8View?

    package init(_ target: String) {
        let bytes = target.utf8
        let end = bytes.firstIndex(of: UInt8(ascii: "#")) ?? bytes.endIndex
        if let mark = bytes[..<end].firstIndex(of: UInt8(ascii: "?")) {
            self.path = bytes[..<mark]
            self.query = bytes[bytes.index(after: mark)..<end]
        } else {
            self.path = bytes[..<end]
            self.query = nil
        }
    }

    /// Whether the path is exactly `text`.
    package func hasPath(_ text: StaticString) -> Bool {
        self.path.count == text.utf8CodeUnitCount
            && self.path.elementsEqual(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// What follows `prefix` in the path; nil if the path does not start with it.
    package func rest(after prefix: StaticString) -> ByteBuffer? {
        guard self.path.starts(with: UnsafeBufferPointer(start: prefix.utf8Start, count: prefix.utf8CodeUnitCount)) else { return nil }
        return ByteBuffer(bytes: self.path.dropFirst(prefix.utf8CodeUnitCount))
    }

    /// A parameter of a query.
    package enum Parameter: Equatable {
        case value(ByteBuffer)
        case missing
        /// Its value ends within a percent escape.
        case incompleteEscape

        package var value: ByteBuffer? { if case .value(let value) = self { value } else { nil } }
    }

    /// The decoded value of the last parameter `name`.
    ///
    /// In a query, unlike in a path, a plus sign is a space (the form encoding of the URL standard), as every client library writes it.
    package func parameter(_ name: String) -> Parameter {
        guard let query = self.query else { return .missing }
        var found = Parameter.missing
        for pair in query.split(separator: UInt8(ascii: "&")) {
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let first = parts.first, Self.decode(first) == ByteBuffer(string: name) else { continue }
            found = Self.decode(parts.count == 2 ? parts[1] : "".utf8[...]).map { .value($0) } ?? .incompleteEscape
        }
        return found
    }

    private static func decode(_ text: Substring.UTF8View) -> ByteBuffer? {
        PercentDecoding.decode(ByteBuffer(bytes: text.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: " ") : $0 }))
    }
}
