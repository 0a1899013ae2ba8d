/// A strict JSON validator (RFC 8259) that finds members of the outermost object and builds nothing.
///
/// Idea: the service stores values as the bytes they arrived as, so it needs to know only that a body is JSON and where the values of a
/// few members lie in it. One pass over the bytes answers both; there is no tree, no copy, no recursion and no heap allocation.
///
/// The grammar is a loop over two steps. `beginValue` reads one scalar or opens one container; `continueContainer` stands behind a complete
/// value, closes containers for as long as they end there, and steps over the comma to the next value. Invariants between the steps:
/// `position` is at the first byte of a value (before `beginValue`) or just behind one (before `continueContainer`), never at whitespace in
/// the former case; `nesting` holds exactly the open containers; all bytes before `position` are valid UTF-8.
///
/// Failures carry the offset that CPython's scanner (Modules/_json.c) reports, which fixes some choices that look arbitrary: a number ends
/// before a `.` or `e` that no digit follows, and what follows it is then the error.
///
/// Complexity: O(n) time, O(1) space.
@usableFromInline package struct JSONScanner {
    /// A failure by the offset of its byte; `JSONError` turns it into the terms of the client.
    struct Failure: Error {
        let code: JSONError.Code
        let byteOffset: Int

        init(_ code: JSONError.Code, at byteOffset: Int) {
            self.code = code
            self.byteOffset = byteOffset
        }
    }

    /// The default of how many containers may be open at once.
    @inlinable package static var defaultMaximumDepth: Int { 128 }

    /// The greatest value for how many containers may be open at once.
    package static let greatestMaximumDepth = JSONNesting.capacity

    var position = 0
    var nesting: JSONNesting

    /// The text of the member name read last, without quotes, and whether it has escapes.
    private(set) var name = 0..<0
    private(set) var nameHasEscapes = false

    /// Whether the string value read last has escapes.
    private(set) var stringHasEscapes = false

    init(maximumDepth: Int) {
        self.nesting = JSONNesting(maximumDepth: maximumDepth)
    }

    /// Reads one value with everything in it. On return, `position` is just behind it.
    mutating func skipValue(in bytes: Span<UInt8>) throws(Failure) {
        let floor = self.nesting.depth
        repeat {
            while try !self.beginValue(in: bytes) {}
        } while try self.continueContainer(in: bytes, above: floor)
    }

    /// Reads a scalar or an empty container, and returns true; or opens a container up to its first value, and returns false.
    @inline(__always)
    mutating func beginValue(in bytes: Span<UInt8>) throws(Failure) -> Bool {
        guard self.position < bytes.count else { throw Failure(.expectingValue, at: self.position) }
        switch bytes[self.position] {
        case UInt8(ascii: "\""):
            self.stringHasEscapes = try self.skipString(in: bytes)
            return true
        case UInt8(ascii: "{"):
            return try self.openObject(in: bytes)
        case UInt8(ascii: "["):
            return try self.openArray(in: bytes)
        case UInt8(ascii: "t"):
            try self.skipLiteral("true", in: bytes)
            return true
        case UInt8(ascii: "f"):
            try self.skipLiteral("false", in: bytes)
            return true
        case UInt8(ascii: "n"):
            try self.skipLiteral("null", in: bytes)
            return true
        default:
            try self.skipNumber(in: bytes)
            return true
        }
    }

    /// Closes the containers that end behind the value just read. Returns true at the next value of a container that goes on, and false when
    /// no more than `floor` containers are open.
    @inline(__always)
    mutating func continueContainer(in bytes: Span<UInt8>, above floor: Int) throws(Failure) -> Bool {
        while self.nesting.depth > floor {
            self.skipWhitespace(in: bytes)
            guard self.position < bytes.count else { throw Failure(.expectingComma, at: self.position) }
            let isInObject = self.nesting.isInObject
            switch bytes[self.position] {
            case UInt8(ascii: ","):
                self.position &+= 1
                self.skipWhitespace(in: bytes)
                if isInObject { try self.readName(in: bytes) }
                return true
            case isInObject ? UInt8(ascii: "}") : UInt8(ascii: "]"):
                self.position &+= 1
                self.nesting.leave()
            default:
                throw Failure(.expectingComma, at: self.position)
            }
        }
        return false
    }

    /// Steps over space, tab, line feed and carriage return (RFC 8259 section 2).
    @inline(__always)
    mutating func skipWhitespace(in bytes: Span<UInt8>) {
        while self.position < bytes.count, JSONScanner.isWhitespace(bytes[self.position]) {
            self.position &+= 1
        }
    }

    /// Whether `byte` is insignificant outside strings.
    @inline(__always)
    static func isWhitespace(_ byte: UInt8) -> Bool {
        // One comparison sorts out all that is not whitespace in compact JSON.
        byte <= 0x20 && (byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09)
    }

    private mutating func openObject(in bytes: Span<UInt8>) throws(Failure) -> Bool {
        guard self.nesting.enter(object: true) else { throw Failure(.nestingTooDeep, at: self.position) }
        self.position &+= 1
        self.skipWhitespace(in: bytes)
        if self.position < bytes.count, bytes[self.position] == UInt8(ascii: "}") {
            self.position &+= 1
            self.nesting.leave()
            return true
        }
        try self.readName(in: bytes)
        return false
    }

    private mutating func openArray(in bytes: Span<UInt8>) throws(Failure) -> Bool {
        guard self.nesting.enter(object: false) else { throw Failure(.nestingTooDeep, at: self.position) }
        self.position &+= 1
        self.skipWhitespace(in: bytes)
        if self.position < bytes.count, bytes[self.position] == UInt8(ascii: "]") {
            self.position &+= 1
            self.nesting.leave()
            return true
        }
        return false
    }

    /// Reads a member name and the colon behind it. On return, `position` is at the value.
    @inline(__always)
    private mutating func readName(in bytes: Span<UInt8>) throws(Failure) {
        guard self.position < bytes.count, bytes[self.position] == UInt8(ascii: "\"") else {
            throw Failure(.expectingPropertyName, at: self.position)
        }
        let start = self.position &+ 1
        self.nameHasEscapes = try self.skipString(in: bytes)
        self.name = start..<self.position &- 1
        self.skipWhitespace(in: bytes)
        guard self.position < bytes.count, bytes[self.position] == UInt8(ascii: ":") else {
            throw Failure(.expectingColon, at: self.position)
        }
        self.position &+= 1
        self.skipWhitespace(in: bytes)
    }
}

/// The containers that are open at a place in a JSON text: one bit for each, set for an object and clear for an array.
///
/// A bit stack in place makes the scanner iterative without a heap allocation: 1024 levels take 128 bytes, and hostile nesting costs one bit
/// a level rather than a stack frame. All operations are O(1).
struct JSONNesting {
    /// The deepest nesting that a limit may allow.
    static let capacity = 1024

    private var objects = InlineArray<16, UInt64>(repeating: 0)
    private let maximumDepth: Int

    /// How many containers are open, 0 to `maximumDepth`.
    private(set) var depth = 0

    /// - Parameter maximumDepth: how many containers may be open at once; taken as 1 below 1, as 1024 above.
    init(maximumDepth: Int) {
        self.maximumDepth = min(max(maximumDepth, 1), Self.capacity)
    }

    /// Whether the innermost open container is an object. False if none is open.
    @inline(__always)
    var isInObject: Bool {
        guard self.depth > 0 else { return false }
        let level = self.depth &- 1
        return self.objects[level &>> 6] &>> UInt64(truncatingIfNeeded: level) & 1 == 1
    }

    /// Opens a container. False if that exceeds the limit; nothing has changed then.
    @inline(__always)
    mutating func enter(object: Bool) -> Bool {
        guard self.depth < self.maximumDepth else { return false }
        let bit = 1 as UInt64 &<< UInt64(truncatingIfNeeded: self.depth)
        if object {
            self.objects[self.depth &>> 6] |= bit
        } else {
            self.objects[self.depth &>> 6] &= ~bit
        }
        self.depth &+= 1
        return true
    }

    /// Closes the innermost open container, of which there must be one.
    @inline(__always)
    mutating func leave() {
        assert(self.depth > 0, "no container is open")
        self.depth &-= 1
    }
}
