/// Whether a client accepts a copy of an earlier read, or wants Redis itself to answer.
///
/// `Cache-Control: no-cache` and `max-age=0` ask for Redis (RFC 9111, section 5.2.1), and so does `Pragma: no-cache` in a request without `Cache-Control`
/// (section 5.4). No other directive matters, nor does one that is malformed: it is skipped, and the others count. Whoever parses a request adds the
/// value of each such field line.
package struct CopyPreference: Equatable, Sendable {
    private var hasCacheControl = false
    private var isForbiddenByCacheControl = false
    private var isForbiddenByPragma = false

    package init() {}

    /// Whether the answer may come from a copy.
    package var acceptsCopy: Bool { !self.isForbiddenByCacheControl && (self.hasCacheControl || !self.isForbiddenByPragma) }

    /// Takes the value of one line of `Cache-Control`. O(bytes).
    package mutating func add(cacheControl value: UnsafeRawBufferPointer) {
        self.hasCacheControl = true
        var scan = DirectiveScan(value)
        while let directive = scan.next() {
            if scan.isNoCache(directive) || scan.isMaxAgeZero(directive) { self.isForbiddenByCacheControl = true }
        }
    }

    /// Takes the value of one line of `Pragma`. O(bytes).
    package mutating func add(pragma value: UnsafeRawBufferPointer) {
        var scan = DirectiveScan(value)
        while let directive = scan.next() {
            if scan.isNoCache(directive) { self.isForbiddenByPragma = true }
        }
    }
}

/// A cursor over the directives of a field value: `token [ "=" ( token / quoted-string ) ]`, separated by commas.
private struct DirectiveScan: ~Copyable {
    struct Directive {
        let name: Range<Int>
        /// Without its quotes; nil if there is none.
        let argument: Range<Int>?
    }

    private let bytes: UnsafeRawBufferPointer
    private var offset = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// The next well-formed directive; nil at the end.
    mutating func next() -> Directive? {
        while self.offset < self.bytes.count {
            let directive = self.directive()
            self.skipBlanks()
            let isComplete = self.isAt(UInt8(ascii: ",")) || self.offset == self.bytes.count
            self.skipElement()
            if let directive, isComplete { return directive }
        }
        return nil
    }

    private mutating func directive() -> Directive? {
        self.skipBlanks()
        let name = self.token()
        guard !name.isEmpty else { return nil }
        guard self.isAt(UInt8(ascii: "=")) else { return Directive(name: name, argument: nil) }
        self.offset += 1
        if self.isAt(UInt8(ascii: "\"")) { return self.quotedString().map { Directive(name: name, argument: $0) } }
        let argument = self.token()
        return argument.isEmpty ? nil : Directive(name: name, argument: argument)
    }

    private func isAt(_ byte: UInt8) -> Bool { self.offset < self.bytes.count && self.bytes[self.offset] == byte }

    private mutating func skipBlanks() {
        while self.offset < self.bytes.count, ByteClass.isBlank(self.bytes[self.offset]) { self.offset += 1 }
    }

    private mutating func token() -> Range<Int> {
        let start = self.offset
        while self.offset < self.bytes.count, ByteClass.isToken(self.bytes[self.offset]) { self.offset += 1 }
        return start..<self.offset
    }

    /// What stands between the quotes; nil if the second is missing, and then all that follows belongs to the string.
    private mutating func quotedString() -> Range<Int>? {
        self.offset += 1
        let start = self.offset
        while self.offset < self.bytes.count {
            let byte = self.bytes[self.offset]
            self.offset += 1
            if byte == UInt8(ascii: "\"") { return start..<(self.offset - 1) }
            // The next byte stands for itself.
            if byte == UInt8(ascii: "\\"), self.offset < self.bytes.count { self.offset += 1 }
        }
        return nil
    }

    /// Goes behind the next comma that is not in a quoted string.
    private mutating func skipElement() {
        while self.offset < self.bytes.count {
            if self.isAt(UInt8(ascii: "\"")) {
                _ = self.quotedString()
            } else {
                self.offset += 1
                if self.bytes[self.offset - 1] == UInt8(ascii: ",") { return }
            }
        }
    }

    // MARK: Directives

    /// With an argument as well, which means something in responses only.
    func isNoCache(_ directive: Directive) -> Bool { self.isNamed(directive, "no-cache") }

    func isMaxAgeZero(_ directive: Directive) -> Bool {
        guard let argument = directive.argument, self.isNamed(directive, "max-age") else { return false }
        var digits = 0
        var index = argument.lowerBound
        while index < argument.upperBound {
            // A quoted pair; a token has no backslash.
            if self.bytes[index] == UInt8(ascii: "\\") { index += 1 }
            guard self.bytes[index] == UInt8(ascii: "0") else { return false }
            digits += 1
            index += 1
        }
        return digits > 0
    }

    private func isNamed(_ directive: Directive, _ name: StaticString) -> Bool {
        guard directive.name.count == name.utf8CodeUnitCount else { return false }
        for index in 0..<name.utf8CodeUnitCount
        where ByteClass.lowercased(self.bytes[directive.name.lowerBound + index]) != name.utf8Start[index] { return false }
        return true
    }
}
