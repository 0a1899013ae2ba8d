/// What was found in a valid JSON text: its outermost value, and the members that were asked for.
@usableFromInline package struct JSONDocument<let count: Int>: Sendable {
    /// The outermost value.
    @usableFromInline package let root: JSONElement

    /// The value of each name asked for, in the order of asking; nil if the outermost value has no such member, or is not an object.
    /// Of a member that stands more than once, the last.
    @usableFromInline package let members: InlineArray<count, JSONElement?>

    @inlinable
    init(root: JSONElement, members: InlineArray<count, JSONElement?>) {
        self.root = root
        self.members = members
    }
}

/// The name of a member to look for in an object: one to sixteen bytes of UTF-8, kept in one 128-bit word.
///
/// Names fixed by an API are short. As a word, a name is compared in two instructions and needs neither an array nor its reference count.
/// A word cannot say how many zero bytes it ends with, so names do not contain U+0000.
@usableFromInline package struct JSONMemberName: Equatable, Sendable {
    static let maximumByteCount = 16

    private let word: UInt128

    /// - Precondition: `name` has 1 to 16 bytes of UTF-8 and no U+0000.
    package init(_ name: String) {
        precondition(1...Self.maximumByteCount ~= name.utf8.count && !name.utf8.contains(0), "a member name has 1 to 16 bytes")
        self.word = name.utf8.reversed().reduce(0) { $0 << 8 | UInt128($1) }
    }

    /// The name that a string value spells, or nil if it cannot be one, or is no string.
    ///
    /// - Parameter bytes: the text that the value was found in.
    package init?(_ value: JSONElement, in bytes: Span<UInt8>) {
        guard value.kind == .string else { return nil }
        let text = bytes.extracting(value.range.lowerBound + 1..<value.range.upperBound - 1)
        guard let name = value.hasEscapes ? JSONScanner.decodedName(text) : JSONMemberName(text) else { return nil }
        self = name
    }

    /// The name whose decoded bytes are `bytes`, or nil if it cannot be one.
    @inline(__always)
    init?(_ bytes: Span<UInt8>) {
        guard 1...Self.maximumByteCount ~= bytes.count else { return nil }
        // A name with a trailing U+0000 must not pass for the name without it.
        guard bytes[bytes.count - 1] != 0 else { return nil }
        var word: UInt128 = 0
        var shift: UInt128 = 0
        for index in bytes.indices {
            word |= UInt128(bytes[index]) &<< shift
            shift &+= 8
        }
        self.word = word
    }
}

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
    /// - Throws: `JSONError` if the text is anything else than one JSON value with whitespace around it.
    /// - Complexity: O(n) time, no allocation unless a sought name is spelled with escapes.
    @inlinable
    package static func scanObject<let count: Int>(
        members names: InlineArray<count, JSONMemberName>,
        in bytes: Span<UInt8>,
        maximumDepth: Int = JSONScanner.defaultMaximumDepth
    ) throws(JSONError) -> JSONDocument<count> {
        var members = InlineArray<count, JSONElement?>(repeating: nil)
        // All that depends on the number of names is here, so that the scanner itself is compiled once, in its own module.
        // The types that this mentions are usable from inline too: otherwise the compiler would not specialise it in other modules.
        var found = members.mutableSpan
        let root = try self.scan(names.span, into: &found, in: bytes, maximumDepth: maximumDepth)
        return JSONDocument(root: root, members: members)
    }

    /// Validates a JSON text.
    ///
    /// - Parameters:
    ///   - bytes: the text, UTF-8.
    ///   - maximumDepth: how many containers may be open at once; 1 to 1024.
    /// - Returns: the extent and the kind of the value, which stands alone in the text but for whitespace around it.
    /// - Throws: `JSONError` if the text is anything else.
    /// - Complexity: O(n) time, no allocation.
    @discardableResult
    package static func validate(
        _ bytes: Span<UInt8>,
        maximumDepth: Int = JSONScanner.defaultMaximumDepth
    ) throws(JSONError) -> JSONElement {
        let none: InlineArray<0, JSONMemberName> = []
        return try self.scanObject(members: none, in: bytes, maximumDepth: maximumDepth).root
    }

    /// - Parameter members: the value of each of `names`, in their order.
    @usableFromInline
    static func scan(
        _ names: Span<JSONMemberName>, into members: inout MutableSpan<JSONElement?>, in bytes: Span<UInt8>, maximumDepth: Int
    ) throws(JSONError) -> JSONElement {
        var scanner = JSONScanner(maximumDepth: maximumDepth)
        do throws(Failure) {
            return try scanner.scanDocument(names, into: &members, in: bytes)
        } catch {
            throw JSONError(error, in: bytes)
        }
    }

    @inline(__always)
    private mutating func scanDocument(
        _ names: Span<JSONMemberName>, into members: inout MutableSpan<JSONElement?>, in bytes: Span<UInt8>
    ) throws(Failure) -> JSONElement {
        try Self.rejectByteOrderMark(in: bytes)
        self.skipWhitespace(in: bytes)
        let start = self.position
        if try !self.beginValue(in: bytes) {
            if self.nesting.isInObject {
                try self.scanMembers(names, into: &members, in: bytes, above: 0)
            } else {
                repeat { try self.skipValue(in: bytes) } while try self.continueContainer(in: bytes, above: 0)
            }
        }
        let root = self.element(from: start, in: bytes)
        self.skipWhitespace(in: bytes)
        guard self.position == bytes.count else { throw Failure(.extraData, at: self.position) }
        return root
    }

    /// Reads the members of the innermost open object, within `floor` others, from the first value to behind the closing brace.
    @inline(__always)
    mutating func scanMembers(
        _ names: Span<JSONMemberName>, into members: inout MutableSpan<JSONElement?>, in bytes: Span<UInt8>, above floor: Int
    ) throws(Failure) {
        repeat {
            // The name is read off now: a container in the value overwrites it with the names of its own members.
            let index = self.index(ofNameIn: names, in: bytes)
            let start = self.position
            try self.skipValue(in: bytes)
            if let index { members[index] = self.element(from: start, in: bytes) }
        } while try self.continueContainer(in: bytes, above: floor)
    }

    /// The value from `start` to `position`, which has just been read.
    @inline(__always)
    func element(from start: Int, in bytes: Span<UInt8>) -> JSONElement {
        let kind = JSONKind(firstByte: bytes[start])
        return JSONElement(range: start..<self.position, kind: kind, hasEscapes: kind == .string && self.stringHasEscapes)
    }

    @inline(__always)
    private func index(ofNameIn names: Span<JSONMemberName>, in bytes: Span<UInt8>) -> Int? {
        let text = bytes.extracting(self.name)
        guard let name = self.nameHasEscapes ? Self.decodedName(text) : JSONMemberName(text) else { return nil }
        for index in names.indices where names[index] == name { return index }
        return nil
    }

    fileprivate static func decodedName(_ text: Span<UInt8>) -> JSONMemberName? {
        // An escape stands for at least one byte and takes at most six, so that a longer text cannot be a name of sixteen bytes.
        guard text.count <= 6 * JSONMemberName.maximumByteCount, let decoded = JSONEscape.decode(text) else { return nil }
        return JSONMemberName(decoded.span)
    }

    private static func rejectByteOrderMark(in bytes: Span<UInt8>) throws(Failure) {
        if bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF { throw Failure(.byteOrderMark, at: 0) }
    }
}
