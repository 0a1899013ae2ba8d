import Logging

/// Writes one JSON object on one line. Whatever a text holds, it cannot end the line or the string that it stands in.
struct JSONLine {
    private var bytes: [UInt8] = [UInt8(ascii: "{")]
    private var isFirst = true
    private let maximumTextBytes: Int

    /// How deep metadata may be nested; deeper values become text.
    private static let maximumDepth = 4

    /// - Parameter maximumTextBytes: what is longer is cut.
    init(maximumTextBytes: Int) {
        self.maximumTextBytes = maximumTextBytes
    }

    mutating func member(_ name: String, _ value: String) {
        self.name(name)
        self.string(value)
    }

    mutating func member(_ name: String, _ value: Int) {
        self.name(name)
        self.bytes += "\(value)".utf8
    }

    mutating func member(_ name: String, _ value: Bool) {
        self.name(name)
        self.bytes += (value ? "true" : "false").utf8
    }

    mutating func member(_ name: String, metadata value: Logger.MetadataValue) {
        self.name(name)
        self.value(value, depth: 0)
    }

    mutating func object(_ name: String, _ body: (inout JSONLine) -> Void) {
        self.name(name)
        var inner = JSONLine(maximumTextBytes: self.maximumTextBytes)
        body(&inner)
        self.bytes += inner.bytes
        self.bytes.append(UInt8(ascii: "}"))
    }

    /// The line with its line feed.
    consuming func finish() -> [UInt8] {
        self.bytes += "}\n".utf8
        return self.bytes
    }

    private mutating func name(_ name: String) {
        if !self.isFirst { self.bytes.append(UInt8(ascii: ",")) }
        self.isFirst = false
        self.string(name)
        self.bytes.append(UInt8(ascii: ":"))
    }

    private mutating func value(_ value: Logger.MetadataValue, depth: Int) {
        switch value {
        case .string(let text): self.string(text)
        case .stringConvertible(let number as Int): self.bytes += "\(number)".utf8
        case .stringConvertible(let flag as Bool): self.bytes += (flag ? "true" : "false").utf8
        case .stringConvertible(let other): self.string(other.description)
        case .dictionary(let members) where depth < Self.maximumDepth:
            self.bytes.append(UInt8(ascii: "{"))
            for (index, member) in members.sorted(by: { $0.key < $1.key }).enumerated() {
                if index > 0 { self.bytes.append(UInt8(ascii: ",")) }
                self.string(member.key)
                self.bytes.append(UInt8(ascii: ":"))
                self.value(member.value, depth: depth + 1)
            }
            self.bytes.append(UInt8(ascii: "}"))
        case .array(let elements) where depth < Self.maximumDepth:
            self.bytes.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { self.bytes.append(UInt8(ascii: ",")) }
                self.value(element, depth: depth + 1)
            }
            self.bytes.append(UInt8(ascii: "]"))
        case .dictionary, .array: self.string(value.description)
        }
    }

    private mutating func string(_ text: String) {
        self.bytes.append(UInt8(ascii: "\""))
        var room = self.maximumTextBytes
        for scalar in text.unicodeScalars {
            let count = UTF8.width(scalar)
            guard room >= count else {
                self.bytes += "…".utf8
                break
            }
            room -= count
            self.append(scalar)
        }
        self.bytes.append(UInt8(ascii: "\""))
    }

    private mutating func append(_ scalar: Unicode.Scalar) {
        switch scalar {
        case "\"": self.bytes += "\\\"".utf8
        case "\\": self.bytes += "\\\\".utf8
        case "\n": self.bytes += "\\n".utf8
        // Line ends for some readers of JSON are not only line feeds.
        case "\u{0}"..."\u{1f}", "\u{7f}"..."\u{9f}", "\u{2028}", "\u{2029}":
            let digits = String(scalar.value, radix: 16)
            self.bytes += "\\u".utf8
            self.bytes += String(repeating: "0", count: 4 - digits.utf8.count).utf8
            self.bytes += digits.utf8
        default: self.bytes += UTF8.encode(scalar).map { Array($0) } ?? []
        }
    }
}
