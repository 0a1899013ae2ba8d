import Bytes
import CacheAPI

/// A cursor over the head of a request. Each method consumes one element of RFC 9112's grammar, in its narrow form, or stops.
struct HeadScan: ~Copyable {
    /// Why the scan cannot go on.
    enum Stop: Error {
        /// The bytes end before the element does.
        case endOfBytes
        /// The element is not in the canonical form.
        case notCanonical
    }

    /// What a line of the field section was.
    enum Line {
        case field, endOfHead
    }

    let bytes: UnsafeRawBufferPointer
    private(set) var offset = 0

    init(bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    // MARK: Request line

    /// `method SP`, upper-case letters only.
    mutating func method() -> Result<RequestMethod, Stop> {
        let start = self.offset
        while self.offset < self.bytes.count {
            let byte = self.bytes[self.offset]
            if byte == UInt8(ascii: " ") {
                defer { self.offset += 1 }
                return self.methodNamed(start..<self.offset)
            }
            guard byte >= UInt8(ascii: "A"), byte <= UInt8(ascii: "Z"), self.offset - start < 16 else { return .failure(.notCanonical) }
            self.offset += 1
        }
        return .failure(.endOfBytes)
    }

    private func methodNamed(_ range: Range<Int>) -> Result<RequestMethod, Stop> {
        if self.equals(range, "GET") { return .success(.get) }
        if self.equals(range, "POST") { return .success(.post) }
        if self.equals(range, "DELETE") { return .success(.delete) }
        // CONNECT changes what follows, PRI opens HTTP/2: neither is framed here.
        guard !range.isEmpty, !self.equals(range, "CONNECT"), !self.equals(range, "PRI") else { return .failure(.notCanonical) }
        return .success(.other)
    }

    /// `origin-form SP HTTP/1.1 CRLF`.
    mutating func target(of method: RequestMethod) -> Result<RequestTarget, Stop> {
        let start = self.offset
        var isPlain = true
        var isEncoded = false
        while true {
            self.offset = self.endOfRun(self.offset, self.bytes.count, { $0.leadingPlainBytes }, { _ in false })
            guard self.offset < self.bytes.count else { return .failure(.endOfBytes) }
            let byte = self.bytes[self.offset]
            if byte == UInt8(ascii: " ") { break }
            guard byte > 0x20, byte < 0x7f else { return .failure(.notCanonical) }
            if byte == UInt8(ascii: "%") {
                isEncoded = true
            } else if self.endsKey(byte, at: self.offset, start) {
                isPlain = false
            }
            self.offset += 1
        }
        guard self.offset > start, self.bytes[start] == UInt8(ascii: "/") else { return .failure(.notCanonical) }
        let range = start..<self.offset
        self.offset += 1
        if let stop = self.literal("HTTP/1.1\r\n") { return .failure(stop) }
        return .success(self.classify(range, isPlain: isPlain, isEncoded: isEncoded))
    }

    /// The target that stands in `range`, as HTTP/2 gives it.
    func target(in range: Range<Int>) -> RequestTarget {
        var offset = range.lowerBound
        var isPlain = true
        var isEncoded = false
        guard !range.isEmpty, self.bytes[offset] == UInt8(ascii: "/") else { return .other }
        while true {
            offset = self.endOfRun(offset, range.upperBound, { $0.leadingPlainBytes }, { _ in false })
            guard offset < range.upperBound else { break }
            let byte = self.bytes[offset]
            guard byte > 0x20, byte < 0x7f else { return .other }
            if byte == UInt8(ascii: "%") {
                isEncoded = true
            } else if self.endsKey(byte, at: offset, range.lowerBound) {
                isPlain = false
            }
            offset += 1
        }
        return self.classify(range, isPlain: isPlain, isEncoded: isEncoded)
    }

    /// Whether a byte of a target that begins at `start` is none that a key consists of, at a place where a key may be. The longer prefix ends with a
    /// slash where the key of the shorter one begins.
    private func endsKey(_ byte: UInt8, at offset: Int, _ start: Int) -> Bool {
        guard !ByteClass.isKeyCharacter(byte), offset >= start + CacheKey.pathPrefix.utf8CodeUnitCount else { return false }
        return offset >= start + CacheKey.valuePrefix.utf8CodeUnitCount || self.bytes[start + 1] != CacheKey.valuePrefix.utf8Start[1]
    }

    private func classify(_ range: Range<Int>, isPlain: Bool, isEncoded: Bool) -> RequestTarget {
        if self.equals(range, "/cache") { return .collection }
        if let key = self.key(in: range, after: CacheKey.pathPrefix, isPlain: isPlain, isEncoded: isEncoded) {
            guard self.isReserved(key) else { return .key(key) }
            return CacheKey.reservedName(self.slice(key.range)) == .batch ? .batch : .other
        }
        guard let key = self.key(in: range, after: CacheKey.valuePrefix, isPlain: isPlain, isEncoded: isEncoded) else { return .other }
        return self.isReserved(key) ? .other : .value(key)
    }

    /// Names of routes, and what a client's URL library would have removed as dot segments, are the router's. What is encoded is looked at when it is decoded.
    private func isReserved(_ key: TargetKey) -> Bool { !key.isEncoded && CacheKey.isReserved(self.slice(key.range)) }

    private func key(in range: Range<Int>, after prefix: StaticString, isPlain: Bool, isEncoded: Bool) -> TargetKey? {
        let keyStart = range.lowerBound + prefix.utf8CodeUnitCount
        let key = keyStart..<max(range.upperBound, keyStart)
        guard isPlain, !key.isEmpty, self.starts(range, with: prefix), self.escapesAreComplete(key, isEncoded) else { return nil }
        return TargetKey(range: key, isEncoded: isEncoded)
    }

    private func escapesAreComplete(_ range: Range<Int>, _ isEncoded: Bool) -> Bool {
        guard isEncoded else { return true }
        var index = range.lowerBound
        while index < range.upperBound {
            if self.bytes[index] == UInt8(ascii: "%") {
                guard index + 2 < range.upperBound, self.isHexDigit(index + 1), self.isHexDigit(index + 2) else {
                    return false
                }
                index += 2
            }
            index += 1
        }
        return true
    }

    private func isHexDigit(_ index: Int) -> Bool { Hexadecimal.value(of: self.bytes[index]) != nil }

    // MARK: Field lines

    /// `field-name ":" OWS field-value OWS CRLF`, or the empty line that ends the head.
    mutating func field(_ findings: inout FieldFindings) -> Result<Line, Stop> {
        let start = self.offset
        self.offset = self.endOfRun(start, self.bytes.count, { $0.leadingNameBytes }, ByteClass.isToken)
        let name = start..<self.offset
        guard self.offset < self.bytes.count else { return .failure(.endOfBytes) }
        if name.isEmpty {
            if let stop = self.lineEnd() { return .failure(stop) }
            return .success(.endOfHead)
        }
        guard self.bytes[self.offset] == UInt8(ascii: ":") else { return .failure(.notCanonical) }
        self.offset += 1
        self.skipBlanks()
        let valueStart = self.offset
        // Values with bytes above ASCII are legal, but can be read in several ways: the codec decides.
        self.offset = self.endOfRun(valueStart, self.bytes.count, { $0.leadingVisibleBytes }, ByteClass.isFieldValue)
        guard self.offset < self.bytes.count else { return .failure(.endOfBytes) }
        var valueEnd = self.offset
        if let stop = self.lineEnd() { return .failure(stop) }
        while valueEnd > valueStart, ByteClass.isBlank(self.bytes[valueEnd - 1]) { valueEnd -= 1 }
        self.note(KnownField(self.bytes, name), valueStart..<valueEnd, in: &findings)
        return .success(.field)
    }

    /// Consumes CRLF.
    @inline(__always)
    private mutating func lineEnd() -> Stop? {
        guard self.bytes.count &- self.offset >= 2 else {
            return self.offset < self.bytes.count && self.bytes[self.offset] != UInt8(ascii: "\r") ? .notCanonical : .endOfBytes
        }
        guard self.bytes[self.offset] == UInt8(ascii: "\r"), self.bytes[self.offset &+ 1] == UInt8(ascii: "\n") else { return .notCanonical }
        self.offset &+= 2
        return nil
    }

    @inline(__always)
    private mutating func skipBlanks() {
        while self.offset < self.bytes.count, ByteClass.isBlank(self.bytes[self.offset]) { self.offset += 1 }
    }

    /// Where the run of members that begins at `start` ends, at most at `end`: eight bytes at a time while all are members of the smaller class
    /// that `leadingMembers` counts, one byte at a time otherwise.
    @inline(__always)
    private func endOfRun(_ start: Int, _ end: Int, _ leadingMembers: (ByteWord) -> Int, _ isMember: (UInt8) -> Bool) -> Int {
        var offset = start
        while true {
            while end &- offset >= ByteWord.byteCount {
                let count = leadingMembers(ByteWord(self.bytes, at: offset))
                offset &+= count
                if count < ByteWord.byteCount { break }
            }
            guard offset < end, isMember(self.bytes[offset]) else { return offset }
            offset &+= 1
        }
    }

    /// Whether the value in `range` is visible ASCII with nothing to strip off its ends.
    func isPlainValue(_ range: Range<Int>) -> Bool {
        guard !range.isEmpty else { return true }
        guard !ByteClass.isBlank(self.bytes[range.lowerBound]), !ByteClass.isBlank(self.bytes[range.upperBound - 1]) else { return false }
        return self.endOfRun(range.lowerBound, range.upperBound, { $0.leadingVisibleBytes }, ByteClass.isFieldValue) == range.upperBound
    }

    /// Notes what a field says, whose value stands in `value`.
    @inline(__always)
    func note(_ field: KnownField?, _ value: Range<Int>, in findings: inout FieldFindings) {
        switch field {
        case .framing:
            findings.isUnframable = true
        case .host:
            if findings.hasHost || value.isEmpty || !self.isPlainHost(value) { findings.isUnframable = true }
            findings.hasHost = true
        case .connection:
            if !KnownField.matches(self.bytes, value, "keep-alive") { findings.isUnframable = true }
        case .requestID:
            if findings.requestID != nil || !RequestID.isUsable(self.bytes, value) { findings.needsRouter = true }
            findings.requestID = value
        case .origin:
            findings.hasOrigin = true
        case .cacheControl:
            findings.copyPreference.add(cacheControl: self.slice(value))
        case .pragma:
            findings.copyPreference.add(pragma: self.slice(value))
        case .ifNoneMatch:
            // Several lines are one list, which the router puts together.
            if findings.ifNoneMatch != nil { findings.needsRouter = true }
            findings.ifNoneMatch = value
        case .ifMatch, .contentCoding, .lease:
            findings.needsRouter = true
        case .apiKey:
            findings.credential = .adding(.key(value), to: findings.credential)
        case .authorization:
            findings.credential = .adding(.authorization(value), to: findings.credential)
        case .traceparent:
            // Two of them name no trace: the router's case.
            if findings.traceparent != nil { findings.needsRouter = true }
            findings.traceparent = value
        case .cloudTraceContext:
            if findings.cloudTraceContext != nil { findings.needsRouter = true }
            findings.cloudTraceContext = value
        case .contentLength:
            guard findings.contentLength == nil, let length = self.decimal(value) else {
                findings.isUnframable = true
                return
            }
            findings.contentLength = length
        case nil:
            break
        }
    }

    private func slice(_ range: Range<Int>) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: self.bytes[range]) }

    func isPlainHost(_ value: Range<Int>) -> Bool {
        self.endOfRun(value.lowerBound, value.upperBound, { $0.leadingPlainBytes }, ByteClass.isHostCharacter) == value.upperBound
    }

    /// At most twelve digits: no overflow, and far above every limit.
    private func decimal(_ range: Range<Int>) -> Int? {
        guard !range.isEmpty, range.count <= 12 else { return nil }
        var number = 0
        for index in range {
            let digit = self.bytes[index] &- UInt8(ascii: "0")
            guard digit <= 9 else { return nil }
            number = number &* 10 &+ Int(digit)
        }
        return number
    }

    // MARK: Comparison

    private func equals(_ range: Range<Int>, _ text: StaticString) -> Bool {
        range.count == text.utf8CodeUnitCount && self.starts(range, with: text)
    }

    private func starts(_ range: Range<Int>, with text: StaticString) -> Bool {
        guard range.count >= text.utf8CodeUnitCount else { return false }
        for index in 0..<text.utf8CodeUnitCount where self.bytes[range.lowerBound + index] != text.utf8Start[index] { return false }
        return true
    }

    /// Consumes `text`, eight bytes at a time as long as there are so many.
    private mutating func literal(_ text: StaticString) -> Stop? {
        let expected = UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        var start = 0
        while min(expected.count &- start, self.bytes.count &- self.offset) >= ByteWord.byteCount {
            guard ByteWord(self.bytes, at: self.offset).bits == ByteWord(expected, at: start).bits else { return .notCanonical }
            start &+= ByteWord.byteCount
            self.offset &+= ByteWord.byteCount
        }
        for index in start..<expected.count {
            guard self.offset < self.bytes.count else { return .endOfBytes }
            guard self.bytes[self.offset] == expected[index] else { return .notCanonical }
            self.offset += 1
        }
        return nil
    }
}

/// The classes of RFC 9110 and RFC 3986 that a head consists of.
///
/// Idea: with its top bit set aside, a byte has room for a sum that does not carry into its neighbour. Adding `0x80 - first` sets the top bit
/// of just those bytes that are `first` or above, adding `0x7f - last` of those above `last`: two additions compare eight bytes with a range.
/// Reference: Leslie Lamport, "Multiple Byte Processing with Full-Word Instructions", CACM 18 (8), 1975.
extension ByteWord {
    /// How many bytes from the first on are visible ASCII or spaces.
    @inline(__always)
    var leadingVisibleBytes: Int { Self.leading(Self.marks(0x20, 0x7E, self.bits) & ~self.bits) }

    /// How many bytes from the first on are letters, digits, `-` or `.`: what field names consist of, with few exceptions.
    @inline(__always)
    var leadingNameBytes: Int { Self.leading((self.letters | Self.marks(0x2D, 0x2E, self.bits) | Self.marks(0x30, 0x39, self.bits)) & ~self.bits) }

    /// How many bytes from the first on are letters, digits, `-`, `.` or `:`: what hosts and keys consist of, with few exceptions.
    @inline(__always)
    var leadingPlainBytes: Int { Self.leading((self.letters | Self.marks(0x2D, 0x2E, self.bits) | Self.marks(0x30, 0x3A, self.bits)) & ~self.bits) }

    @inline(__always)
    private var letters: UInt64 { Self.marks(0x61, 0x7A, self.bits | Self.ones &* 0x20) }

    /// The top bits of the bytes from `first` to `last`, both ASCII, and of bytes above ASCII that would be there without their top bit.
    @inline(__always)
    private static func marks(_ first: UInt64, _ last: UInt64, _ bits: UInt64) -> UInt64 {
        let low = bits & ~self.highBits
        return (low &+ self.ones &* (0x80 - first)) & ~(low &+ self.ones &* (0x7F - last)) & self.highBits
    }

    @inline(__always)
    private static func leading(_ members: UInt64) -> Int { self.lowestByte(in: ~members & self.highBits) ?? self.byteCount }
}
