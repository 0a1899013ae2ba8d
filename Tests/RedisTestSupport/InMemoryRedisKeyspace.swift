/// One database of `InMemoryRedisServer`: keys with values and deadlines.
struct InMemoryRedisKeyspace {
    enum Value: Hashable {
        case string([UInt8])
        /// Any other type; its content does not matter.
        case list
    }

    private struct Entry {
        var value: Value
        var deadline: Int64?
    }

    private var entries: [[UInt8]: Entry] = [:]

    mutating func insert(_ key: [UInt8], _ value: Value, deadline: Int64? = nil) {
        self.entries[key] = Entry(value: value, deadline: deadline)
    }

    /// The live keys with their values.
    func values(now: Int64) -> [[UInt8]: Value] {
        self.entries.filter { Self.isLive($0.value, now) }.mapValues(\.value)
    }

    mutating func execute(_ name: String, _ arguments: [[UInt8]], now: Int64) -> InMemoryRedisReply {
        self.entries = self.entries.filter { Self.isLive($0.value, now) }
        switch name {
        case "GET":
            switch self.entries[arguments[0]]?.value {
            case .string(let bytes): return .bulk(bytes)
            case .list: return .wrongType
            case nil: return .null
            }
        case "PTTL":
            guard let entry = self.entries[arguments[0]] else { return .integer(-2) }
            return .integer(entry.deadline.map { $0 - now } ?? -1)
        case "SET":
            return self.set(arguments, now)
        case "UNLINK", "DEL":
            return .integer(Int64(arguments.count { self.entries.removeValue(forKey: $0) != nil }))
        case "EXISTS":
            return .integer(Int64(arguments.count { self.entries[$0] != nil }))
        case "DBSIZE":
            return .integer(Int64(self.entries.count))
        case "SCAN":
            return self.scan(arguments)
        default:
            return .error("ERR the in-memory Redis does not implement \(name)")
        }
    }

    private static func isLive(_ entry: Entry, _ now: Int64) -> Bool { entry.deadline.map { $0 > now } ?? true }

    private mutating func set(_ arguments: [[UInt8]], _ now: Int64) -> InMemoryRedisReply {
        var (onlyIfPresent, onlyIfAbsent, keepsDeadline) = (false, false, false)
        var time: (text: [UInt8], unit: Int64)?
        var index = 2
        while index < arguments.count {
            switch String(decoding: arguments[index], as: UTF8.self).uppercased() {
            case "NX" where !onlyIfPresent: onlyIfAbsent = true
            case "XX" where !onlyIfAbsent: onlyIfPresent = true
            case "KEEPTTL" where time == nil: keepsDeadline = true
            case "PX" where time?.unit != 1000 && !keepsDeadline && index + 1 < arguments.count:
                index += 1
                time = (arguments[index], 1)
            case "EX" where time?.unit != 1 && !keepsDeadline && index + 1 < arguments.count:
                index += 1
                time = (arguments[index], 1000)
            case "GET", "EXAT", "PXAT": return .error("ERR the in-memory Redis does not implement this option of SET")
            default: return .syntaxError
            }
            index += 1
        }
        var deadline: Int64?
        if let time {
            guard let number = Self.integer(time.text) else { return .notAnInteger }
            let (milliseconds, overflows) = number.multipliedReportingOverflow(by: time.unit)
            // Redis counts from 1970; a time to live that ends after the year 292 million or so is invalid.
            guard number > 0, !overflows, milliseconds <= Int64.max - 4_000_000_000_000 else {
                return .error("ERR invalid expire time in 'set' command")
            }
            deadline = now + milliseconds
        }
        let existing = self.entries[arguments[0]]
        guard !(onlyIfPresent && existing == nil), !(onlyIfAbsent && existing != nil) else { return .null }
        self.insert(arguments[0], .string(arguments[1]), deadline: keepsDeadline ? existing?.deadline : deadline)
        return .ok
    }

    /// SCAN in the order of a hash of the keys, with the last hash as the cursor. So a key that is there from beginning to end is seen however many
    /// come and go meanwhile, as Redis promises; and as there, MATCH and TYPE filter the keys that COUNT has taken, so a page can be empty.
    private func scan(_ arguments: [[UInt8]]) -> InMemoryRedisReply {
        guard let cursor = UInt64(String(decoding: arguments[0], as: UTF8.self)), arguments[0].first != UInt8(ascii: "+") else {
            return .error("ERR invalid cursor")
        }
        var (pattern, type, count): ([UInt8]?, String?, Int64) = (nil, nil, 10)
        for index in stride(from: 1, to: arguments.count, by: 2) {
            guard index + 1 < arguments.count else { return .syntaxError }
            switch String(decoding: arguments[index], as: UTF8.self).uppercased() {
            case "MATCH": pattern = arguments[index + 1]
            case "TYPE": type = String(decoding: arguments[index + 1], as: UTF8.self).lowercased()
            case "COUNT":
                guard let number = Self.integer(arguments[index + 1]) else { return .notAnInteger }
                guard number >= 1 else { return .syntaxError }
                count = number
            default: return .syntaxError
            }
        }
        let rest = self.entries.map { (hash: Self.hash($0.key), key: $0.key, value: $0.value.value) }
            .filter { $0.hash > cursor }
            .sorted { $0.hash == $1.hash ? $0.key.lexicographicallyPrecedes($1.key) : $0.hash < $1.hash }
        var taken = rest.prefix(Int(clamping: count))
        if let last = taken.last { taken = rest.prefix { $0.hash <= last.hash } }
        let next = taken.count == rest.count ? 0 : taken.last?.hash ?? 0
        let keys = taken.filter { element in
            let hasType = type.map { $0 == (element.value == .list ? "list" : "string") } ?? true
            return hasType && (pattern.map { $0 == Array("*".utf8) || Self.matches($0[...], element.key[...]) } ?? true)
        }
        return .array([.bulk("\(next)"), .array(keys.map { .bulk($0.key) })])
    }

    /// FNV-1a, cut to 48 bits, never 0.
    private static func hash(_ key: [UInt8]) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in key { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return max(1, hash >> 16)
    }

    /// An integer as Redis reads it: digits with a sign at most, without leading zeros.
    static func integer(_ bytes: [UInt8]) -> Int64? {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let number = Int64(text), String(number) == text else { return nil }
        return number
    }
}

/// Redis's glob (`stringmatchlen` in util.c), step by step as Redis does it.
extension InMemoryRedisKeyspace {
    static func matches(_ pattern: ArraySlice<UInt8>, _ text: ArraySlice<UInt8>) -> Bool {
        var (pattern, text) = (pattern, text)
        while let symbol = pattern.first, let byte = text.first {
            switch symbol {
            case UInt8(ascii: "*"):
                pattern = pattern.drop { $0 == UInt8(ascii: "*") }
                guard !pattern.isEmpty else { return true }
                return text.indices.contains { self.matches(pattern, text[$0...]) }
            case UInt8(ascii: "?"):
                pattern.removeFirst()
            case UInt8(ascii: "["):
                guard self.consumeClass(&pattern, byte) else { return false }
            case UInt8(ascii: "\\") where pattern.count >= 2:
                guard pattern[pattern.startIndex + 1] == byte else { return false }
                pattern.removeFirst(2)
            default:
                guard symbol == byte else { return false }
                pattern.removeFirst()
            }
            text.removeFirst()
            if text.isEmpty { pattern = pattern.drop { $0 == UInt8(ascii: "*") } }
        }
        return pattern.isEmpty && text.isEmpty
    }

    /// Takes `[...]` from the front of the pattern. A class that does not end goes to the end of the pattern.
    private static func consumeClass(_ pattern: inout ArraySlice<UInt8>, _ byte: UInt8) -> Bool {
        pattern.removeFirst()
        let isNegated = pattern.first == UInt8(ascii: "^")
        if isNegated { pattern.removeFirst() }
        var isMember = false
        while let symbol = pattern.first {
            let start = pattern.startIndex
            if symbol == UInt8(ascii: "\\"), pattern.count >= 2 {
                isMember = isMember || pattern[start + 1] == byte
                pattern.removeFirst(2)
            } else if symbol == UInt8(ascii: "]") {
                pattern.removeFirst()
                return isMember != isNegated
            } else if pattern.count >= 3, pattern[start + 1] == UInt8(ascii: "-") {
                let end = pattern[start + 2]
                isMember = isMember || (min(symbol, end)...max(symbol, end)).contains(byte)
                pattern.removeFirst(3)
            } else {
                isMember = isMember || symbol == byte
                pattern.removeFirst()
            }
        }
        return isMember != isNegated
    }
}
