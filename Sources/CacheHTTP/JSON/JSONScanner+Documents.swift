extension JSONScanner {
    /// Validates a JSON text and finds members of its outermost object.
    ///
    /// Names are compared as text: a name may be spelled with escapes, and is not Unicode-normalised. Of a member that stands more than once
    /// the last counts, as in Python.
    ///
    /// - Parameters:
    ///   - names: the members to find.
    ///   - bytes: the text, UTF-8.
    ///   - maximumDepth: how many containers may be open at once, the outermost included; 1 to 1024.
    /// - Throws: `JSONError` where the text is anything else than one JSON value with whitespace around it.
    /// - Complexity: O(n) time, no allocation unless a sought name is spelled with escapes.
    package static func scanObject<let count: Int>(
        members names: InlineArray<count, JSONMemberName>,
        in bytes: Span<UInt8>,
        maximumDepth: Int = JSONScanner.defaultMaximumDepth
    ) throws(JSONError) -> JSONDocument<count> {
        var scanner = JSONScanner(maximumDepth: maximumDepth)
        do throws(Failure) {
            return try scanner.scanDocument(members: names, in: bytes)
        } catch {
            throw JSONError(error, in: bytes)
        }
    }

    /// Validates a JSON text.
    ///
    /// - Parameters:
    ///   - bytes: the text, UTF-8.
    ///   - maximumDepth: how many containers may be open at once; 1 to 1024.
    /// - Returns: the extent and the kind of the value, which stands alone in the text but for whitespace around it.
    /// - Throws: `JSONError` where the text is anything else.
    /// - Complexity: O(n) time, no allocation.
    @discardableResult
    package static func validate(
        _ bytes: Span<UInt8>,
        maximumDepth: Int = JSONScanner.defaultMaximumDepth
    ) throws(JSONError) -> JSONElement {
        let none: InlineArray<0, JSONMemberName> = []
        return try self.scanObject(members: none, in: bytes, maximumDepth: maximumDepth).root
    }

    private mutating func scanDocument<let count: Int>(
        members names: InlineArray<count, JSONMemberName>,
        in bytes: Span<UInt8>
    ) throws(Failure) -> JSONDocument<count> {
        try Self.rejectByteOrderMark(in: bytes)
        self.skipWhitespace(in: bytes)
        let start = self.position
        var members = InlineArray<count, JSONElement?>(repeating: nil)
        if try !self.beginValue(in: bytes) {
            if self.nesting.isInObject {
                try self.scanMembers(names, into: &members, in: bytes)
            } else {
                repeat { try self.skipValue(in: bytes) } while try self.continueContainer(in: bytes, above: 0)
            }
        }
        let root = self.element(from: start, in: bytes)
        self.skipWhitespace(in: bytes)
        guard self.position == bytes.count else { throw Failure(.extraData, at: self.position) }
        return JSONDocument(root: root, members: members)
    }

    /// Reads the members of the outermost object, from the first value to behind the closing brace.
    @inline(__always)
    private mutating func scanMembers<let count: Int>(
        _ names: InlineArray<count, JSONMemberName>,
        into members: inout InlineArray<count, JSONElement?>,
        in bytes: Span<UInt8>
    ) throws(Failure) {
        repeat {
            // The name is read off now: a container in the value overwrites it with the names of its own members.
            let index = self.index(ofNameIn: names, in: bytes)
            let start = self.position
            try self.skipValue(in: bytes)
            if let index { members[index] = self.element(from: start, in: bytes) }
        } while try self.continueContainer(in: bytes, above: 0)
    }

    /// The value from `start` to `position`, which has just been read.
    @inline(__always)
    private func element(from start: Int, in bytes: Span<UInt8>) -> JSONElement {
        let kind = JSONKind(firstByte: bytes[start])
        return JSONElement(range: start..<self.position, kind: kind, hasEscapes: kind == .string && self.stringHasEscapes)
    }

    @inline(__always)
    private func index<let count: Int>(ofNameIn names: InlineArray<count, JSONMemberName>, in bytes: Span<UInt8>) -> Int? {
        let text = bytes.extracting(self.name)
        guard let name = self.nameHasEscapes ? Self.decodedName(text) : JSONMemberName(text) else { return nil }
        for index in names.indices where names[index] == name { return index }
        return nil
    }

    private static func decodedName(_ text: Span<UInt8>) -> JSONMemberName? {
        // An escape stands for at least one byte and takes at most six, so that a longer text cannot be a name of sixteen bytes.
        guard text.count <= 6 * JSONMemberName.maximumByteCount, let decoded = JSONEscape.decode(text) else { return nil }
        return JSONMemberName(decoded.span)
    }

    private static func rejectByteOrderMark(in bytes: Span<UInt8>) throws(Failure) {
        if bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF { throw Failure(.byteOrderMark, at: 0) }
    }
}
