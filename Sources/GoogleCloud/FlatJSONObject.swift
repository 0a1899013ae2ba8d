/// A JSON object (RFC 8259) whose members are strings and numbers without nesting, as the metadata server answers. Anything else is not read: this is
/// no general parser. Linear.
struct FlatJSONObject {
    enum Value: Hashable {
        case text(String)
        /// As it was written.
        case number(String)
    }

    private(set) var members: [String: Value] = [:]

    init?(_ bytes: [UInt8]) {
        var rest = bytes[...]
        guard Self.take(UInt8(ascii: "{"), &rest) else { return nil }
        if !Self.take(UInt8(ascii: "}"), &rest) {
            repeat {
                guard let name = Self.string(&rest), Self.take(UInt8(ascii: ":"), &rest), let value = Self.value(&rest) else { return nil }
                self.members[name] = value
            } while Self.take(UInt8(ascii: ","), &rest)
            guard Self.take(UInt8(ascii: "}"), &rest) else { return nil }
        }
        Self.skipSpace(&rest)
        guard rest.isEmpty else { return nil }
    }

    private static func skipSpace(_ rest: inout ArraySlice<UInt8>) {
        rest = rest.drop { [0x20, 0x09, 0x0A, 0x0D].contains($0) }
    }

    private static func take(_ byte: UInt8, _ rest: inout ArraySlice<UInt8>) -> Bool {
        self.skipSpace(&rest)
        guard rest.first == byte else { return false }
        rest.removeFirst()
        return true
    }

    private static func value(_ rest: inout ArraySlice<UInt8>) -> Value? {
        self.skipSpace(&rest)
        if rest.first == UInt8(ascii: "\"") { return self.string(&rest).map { .text($0) } }
        let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard !digits.isEmpty else { return nil }
        rest = rest.dropFirst(digits.count)
        return .number(String(decoding: digits, as: UTF8.self))
    }

    /// A string of visible ASCII without escapes, as tokens are.
    private static func string(_ rest: inout ArraySlice<UInt8>) -> String? {
        guard self.take(UInt8(ascii: "\""), &rest) else { return nil }
        let text = rest.prefix { (0x20...0x7E).contains($0) && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
        rest = rest.dropFirst(text.count)
        guard rest.first == UInt8(ascii: "\"") else { return nil }
        rest.removeFirst()
        return String(decoding: text, as: UTF8.self)
    }
}
