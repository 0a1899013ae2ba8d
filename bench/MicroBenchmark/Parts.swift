import Access
import Cache
import CacheAPI
import JSON
import MemoryStore
import NIOCore
import RESP

/// The parts that are measured: protocol, JSON, store, glob.
enum Parts {
    static let key = ByteBuffer(string: "agent:1234567:profile")
    static let value = ByteBuffer(string: #"{"name":"crawler","capabilities":["a","b"],"version":"1.2.3"}"#)
    static let mebibyte = 1 << 20

    static var all: [Part] {
        [
            Part(name: "resp-encode-get", repetitions: 2_000_000, run: self.encodeGet),
            Part(name: "resp-encode-set", repetitions: 2_000_000, run: self.encodeSet),
            Part(name: "resp-decode-bulk", repetitions: 2_000_000, run: self.decodeBulk),
            Part(name: "json-parse-body", repetitions: 1_000_000) {
                self.parse(#"{"key":"user:1234567:profile","value":{"a":1,"b":[2,3]},"ttl":60}"#, $0)
            },
            Part(name: "json-parse-1MiB-string", repetitions: 500) { self.parse("{\"key\":\"k\",\"value\":\"\(self.repeated("a"))\"}", $0) },
            Part(name: "json-parse-1MiB-objects", repetitions: 200) { self.parse("{\"key\":\"k\",\"value\":\(self.objects)}", $0) },
            Part(name: "json-write-key", repetitions: 2_000_000, run: self.writeKey),
            Part(name: "memory-get-hit", repetitions: 2_000_000, run: self.getHit),
            Part(name: "memory-get-miss", repetitions: 2_000_000, run: self.getMiss),
            Part(name: "memory-set", repetitions: 1_000_000, run: self.set),
            Part(name: "memory-get-hit-of-100k", repetitions: 1_000_000) { self.getAmongMany(from: 0, isThere: true, $0) },
            Part(name: "memory-get-miss-of-100k", repetitions: 1_000_000) { self.getAmongMany(from: self.entryCount, isThere: false, $0) },
            Part(name: "memory-set-evicting", repetitions: 1_000_000, run: self.setEvicting),
            Part(name: "glob-match", repetitions: 2_000_000, run: self.match),
            Part(name: "access-key-of-a-connection", repetitions: 2_000_000, run: self.knownCaller),
            Part(name: "access-key-among-100", repetitions: 500_000, run: self.newCaller),
        ]
    }

    private static func encodeGet(_ repetitions: Int) {
        var buffer = ByteBuffer()
        for _ in 0..<repetitions {
            buffer.clear()
            RESPEncoder.writeGet(key: self.key.readableBytesUInt8Span, into: &buffer)
        }
        precondition(buffer.readableBytes > 0)
    }

    private static func encodeSet(_ repetitions: Int) {
        var buffer = ByteBuffer()
        for _ in 0..<repetitions {
            buffer.clear()
            RESPEncoder.writeSet(
                key: self.key.readableBytesUInt8Span, value: self.value.readableBytesUInt8Span, ttlMilliseconds: 60_000, into: &buffer)
        }
        precondition(buffer.readableBytes > 0)
    }

    private static func decodeBulk(_ repetitions: Int) {
        let reply = ByteBuffer(string: "$\(self.value.readableBytes)\r\n\(String(buffer: self.value))\r\n")
        var decoder = RESPDecoder()
        for _ in 0..<repetitions {
            var buffer = reply
            guard case .bulkString = try? decoder.next(&buffer) else { preconditionFailure("the reply is whole") }
        }
    }

    private static func repeated(_ character: String) -> String { String(repeating: character, count: self.mebibyte) }

    private static var objects: String {
        var text = "["
        var index = 0
        while text.utf8.count < self.mebibyte {
            text += #"{"id":\#(index),"name":"item \#(index)","price":12.50,"tags":["a","bc"],"stock":{"open":true,"left":null}},"#
            index += 1
        }
        return text + "0]"
    }

    private static func parse(_ text: String, _ repetitions: Int) {
        let body = ByteBuffer(string: text)
        let limits = RequestLimits(maximumValueBytes: 2 * self.mebibyte)
        for _ in 0..<repetitions {
            guard case .success = SetRequest.parse(body: body, limits: limits) else { preconditionFailure("the body is valid") }
        }
    }

    private static func writeKey(_ repetitions: Int) {
        var buffer = ByteBuffer()
        for _ in 0..<repetitions {
            buffer.clear()
            JSONWriter.writeString(self.key, into: &buffer)
        }
        precondition(buffer.readableBytes > 0)
    }

    private static let now = MonotonicTime(milliseconds: 1_000_000)

    private static func getHit(_ repetitions: Int) {
        let store = MemoryStore(MemoryStoreConfiguration())
        _ = store.set(self.key.readableBytesUInt8Span, value: self.value.readableBytesUInt8Span, expiresAt: nil, now: self.now)
        for _ in 0..<repetitions {
            guard store.get(self.key.readableBytesUInt8Span, now: self.now) != nil else { preconditionFailure("the key is there") }
        }
    }

    private static func getMiss(_ repetitions: Int) {
        let store = MemoryStore(MemoryStoreConfiguration())
        for _ in 0..<repetitions {
            guard store.get(self.key.readableBytesUInt8Span, now: self.now) == nil else { preconditionFailure("no key is there") }
        }
    }

    private static func set(_ repetitions: Int) {
        let store = MemoryStore(MemoryStoreConfiguration())
        let expiry = self.now.advanced(byMilliseconds: 60_000)
        for _ in 0..<repetitions {
            _ = store.set(self.key.readableBytesUInt8Span, value: self.value.readableBytesUInt8Span, expiresAt: expiry, now: self.now)
        }
    }

    private static let entryCount = 100_000

    private static func setNumbered(_ numbers: Range<Int>, in store: MemoryStore) {
        let expiry = self.now.advanced(byMilliseconds: 60_000)
        let value = self.value
        for number in numbers {
            withUnsafeBytes(of: (number, number)) { key in
                _ = store.set(
                    key.bindMemory(to: UInt8.self).span, value: value.readableBytesUInt8Span, expiresAt: expiry, now: self.now)
            }
        }
    }

    /// Reads keys from all over a store.
    private static func getAmongMany(from first: Int, isThere: Bool, _ repetitions: Int) {
        let store = MemoryStore(MemoryStoreConfiguration())
        self.setNumbered(0..<self.entryCount, in: store)
        for repetition in 0..<repetitions {
            let number = first + repetition * 7919 % self.entryCount
            let isFound = withUnsafeBytes(of: (number, number)) { store.get($0.bindMemory(to: UInt8.self).span, now: self.now) != nil }
            guard isFound == isThere else { preconditionFailure("the first keys are there, and no others") }
        }
    }

    /// Each key is new and takes the place of another.
    private static func setEvicting(_ repetitions: Int) {
        let store = MemoryStore(MemoryStoreConfiguration(maximumBytes: 8 << 20))
        self.setNumbered(0..<self.entryCount, in: store)
        self.setNumbered(self.entryCount..<self.entryCount + repetitions, in: store)
    }

    private static func match(_ repetitions: Int) {
        let glob = GlobPattern(Array("agent:*:prof?le".utf8))
        for _ in 0..<repetitions {
            guard glob.matches(self.key.readableBytesUInt8Span) else { preconditionFailure("the key matches") }
        }
    }

    /// A hundred keys, the last of which is shown.
    static func accessControl() -> (AccessControl, secret: ByteBuffer) {
        let keys = (0..<100).map { _ in NewAccessKey() }
        let ring = AccessKeyRing(keys.map { ($0.digest, AccessGrant(scopes: .read, prefix: Array("agent:".utf8))) })
        return (AccessControl(ring), ByteBuffer(string: keys[99].secret))
    }

    /// What the fast lane does for a request whose connection has shown the key before.
    private static func knownCaller(_ repetitions: Int) {
        let (control, secret) = self.accessControl()
        var memory = CallerMemory()
        for now in 0..<repetitions {
            let caller = secret.withUnsafeReadableBytes { memory.caller($0, control, now: now) }
            guard caller.verdict(.read(key: self.key)) == .allowed, caller.admit(now: now) == nil else { preconditionFailure("it may read") }
        }
    }

    /// The same for the first request of a connection.
    private static func newCaller(_ repetitions: Int) {
        let (control, secret) = self.accessControl()
        for now in 0..<repetitions {
            let caller = secret.withUnsafeReadableBytes { control.caller($0, now: now).caller }
            guard caller.verdict(.read(key: self.key)) == .allowed else { preconditionFailure("it may read") }
        }
    }
}
