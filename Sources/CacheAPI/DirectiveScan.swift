/// A cursor over the directives of a field value: `token [ "=" ( token / quoted-string ) ]`, separated by commas.
struct DirectiveScan: ~Copyable {
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

    /// The seconds of `max-age`; nil if the directive is another one, or is malformed. Too many count as the greatest number.
    func maximumAge(_ directive: Directive) -> Int64? {
        guard let argument = directive.argument, !argument.isEmpty, self.isNamed(directive, "max-age") else { return nil }
        return LaxInteger.nearestInteger(UnsafeRawBufferPointer(rebasing: self.bytes[argument]).bindMemory(to: UInt8.self).span)?.value
    }

    private func isNamed(_ directive: Directive, _ name: StaticString) -> Bool {
        guard directive.name.count == name.utf8CodeUnitCount else { return false }
        for index in 0..<name.utf8CodeUnitCount
        where ByteClass.lowercased(self.bytes[directive.name.lowerBound + index]) != name.utf8Start[index] { return false }
        return true
    }
}
