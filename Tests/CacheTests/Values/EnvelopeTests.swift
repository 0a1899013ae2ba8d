import MemoryStore
import NIOCore
import TestSupport
import Testing

@testable import Cache

@Suite struct EnvelopeTests {
    private static func text(_ random: inout SplitMix64, upTo count: Int) -> ByteBuffer {
        ByteBuffer(bytes: (0..<Int.random(in: 1...count, using: &random)).map { _ in UInt8.random(in: 0x20...0x7E, using: &random) })
    }

    private static func tag(_ random: inout SplitMix64) -> VersionedTag {
        VersionedTag(name: self.text(&random, upTo: 40), version: TagVersion(bits: .random(in: .min ... .max, using: &random)))
    }

    private static func lease(_ random: inout SplitMix64) -> Lease {
        var lease = Lease(
            token: LeaseToken(bits: .random(in: .min ... .max, using: &random)), endMilliseconds: .random(in: 0 ... .max, using: &random),
            valueEndMilliseconds: .random(in: 0 ... .max, using: &random))
        if Bool.random(using: &random) { lease.versions.append(VersionedTag(name: ByteBuffer(), version: TagVersion(bits: 7))) }
        lease.versions += (0..<Int.random(in: 0...3, using: &random)).map { _ in self.tag(&random) }
        return lease
    }

    private static func envelope(_ random: inout SplitMix64) -> Envelope {
        var envelope = Envelope()
        if Bool.random(using: &random) { envelope.mediaType = self.text(&random, upTo: 60) }
        if Bool.random(using: &random) { envelope.contentEncoding = self.text(&random, upTo: 10) }
        if Bool.random(using: &random) { envelope.staleSeconds = .random(in: 1...Envelope.maximumStaleSeconds, using: &random) }
        envelope.tags = (0..<Int.random(in: 0...Envelope.maximumTags, using: &random)).map { _ in self.tag(&random) }
        if Bool.random(using: &random) { envelope.lease = self.lease(&random) }
        return envelope
    }

    private static func payload(_ random: inout SplitMix64) -> ByteBuffer {
        ByteBuffer(bytes: (0..<Int.random(in: 0...100, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) })
    }

    private static func inMemory(_ bytes: ByteBuffer) throws -> CachedValue {
        let store = MemoryStore(MemoryStoreConfiguration(maximumBytes: 4 << 20))
        let key: [UInt8] = [1, 2, 3]
        _ = store.set(key.span, value: bytes.readableBytesUInt8Span, expiresAt: nil, now: MonotonicTime(milliseconds: 0))
        let hit = store.get(key.span, now: MonotonicTime(milliseconds: 0))
        return .memory(try #require(hit))
    }

    @Test func whatIsWrappedIsReadAgain() throws {
        let seed = UInt64.random(in: 0..<1_000_000)
        print("envelopes at random: seed \(seed)")
        var random = SplitMix64(seed: seed)
        for _ in 0..<300 {
            let envelope = Self.envelope(&random)
            let payload = Self.payload(&random)
            let bytes = envelope.wrap(payload)
            for stored in [CachedValue.buffer(bytes), try Self.inMemory(bytes)] {
                guard case .enveloped(let value) = StoredValue(stored) else { throw Unreadable(bytes: bytes) }
                #expect(value.envelope == envelope)
                #expect(value.payload.buffer == payload)
                #expect(value.stored.buffer == bytes)
            }
        }
    }

    /// A value that was cut off is never read as a shorter one with other properties: what is lost is lost from its payload alone.
    @Test func aPieceIsRefusedOrLacksTheEndOfThePayload() throws {
        var random = SplitMix64(seed: 4)
        for _ in 0..<40 {
            let envelope = Self.envelope(&random)
            let payload = Self.payload(&random)
            let bytes = envelope.wrap(payload)
            for count in 0..<bytes.readableBytes {
                switch StoredValue(try #require(bytes.getSlice(at: 0, length: count))) {
                case .plain: #expect(count < 2)
                case .unreadable(let fault): #expect(fault == .malformed && count < bytes.readableBytes - payload.readableBytes)
                case .enveloped(let value):
                    #expect(value.envelope == envelope)
                    #expect(value.payload.buffer == payload.getSlice(at: 0, length: payload.readableBytes - (bytes.readableBytes - count)))
                }
            }
        }
    }

    @Test(arguments: ["", "{}", "null", "text", "\u{7f}"]) func textIsNoEnvelope(_ text: String) throws {
        guard case .plain(let value) = StoredValue(ByteBuffer(string: text)) else { throw Unreadable(bytes: ByteBuffer(string: text)) }
        #expect(value.buffer == ByteBuffer(string: text))
    }

    /// A JPEG begins with FF D8, text in UTF-16 with FF FE.
    @Test(arguments: [[0xFF], [0xFF, 0xD8, 0xFF, 0xE0], [0xFF, 0xFE, 0x41, 0], [0xFF, 0], [0xFF, 16]] as [[UInt8]])
    func otherDataIsNoEnvelope(_ bytes: [UInt8]) throws {
        guard case .plain = StoredValue(ByteBuffer(bytes: bytes)) else { throw Unreadable(bytes: ByteBuffer(bytes: bytes)) }
    }

    @Test func aLaterVersionIsKnownAsOne() throws {
        guard case .unreadable(.unknownVersion(2)) = StoredValue(ByteBuffer(bytes: [0xFF, 2, 1, 0, 0, 0, 0, 0x31])) else {
            throw Unreadable(bytes: ByteBuffer())
        }
    }

    static let malformed: [(String, [UInt8])] = [
        ("no such form", [0xFF, 1, 9, 0, 0, 0, 0]),
        ("parts beyond the end", [0xFF, 1, 1, 0, 0, 0, 4, 1, 0, 1]),
        ("more parts than memory", [0xFF, 1, 1, 0xFF, 0xFF, 0xFF, 0xFF]),
        ("no such part", [0xFF, 1, 1, 0, 0, 0, 4, 99, 0, 1, 0x61]),
        ("a media type that ends a line", [0xFF, 1, 1, 0, 0, 0, 5, 1, 0, 2, 0x0D, 0x0A]),
        ("an empty media type", [0xFF, 1, 1, 0, 0, 0, 3, 1, 0, 0]),
        ("a part twice", [0xFF, 1, 1, 0, 0, 0, 8, 1, 0, 1, 0x61, 1, 0, 1, 0x61]),
        ("parts out of order", [0xFF, 1, 1, 0, 0, 0, 8, 2, 0, 1, 0x61, 1, 0, 1, 0x61]),
        ("staleness of no time", [0xFF, 1, 1, 0, 0, 0, 11, 3, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0]),
        ("staleness for ever", [0xFF, 1, 1, 0, 0, 0, 11, 3, 0, 8, 0x7F, 0, 0, 0, 0, 0, 0, 0]),
        ("a tag without a name", [0xFF, 1, 1, 0, 0, 0, 19, 4, 0, 16] + [UInt8](repeating: 0, count: 16)),
        ("a placeholder without a lease", [0xFF, 1, 2, 0, 0, 0, 0]),
        ("a version of a tag that is too short", [0xFF, 1, 3, 0, 0, 0, 0, 1, 2, 3]),
        ("what a lease remembers, without one", [0xFF, 1, 1, 0, 0, 0, 19, 6, 0, 16] + [UInt8](repeating: 0, count: 16)),
    ]

    @Test(arguments: malformed) func whatIsNotAsTheLayoutHasItIsRefused(_ name: String, _ bytes: [UInt8]) {
        guard case .unreadable(.malformed) = StoredValue(ByteBuffer(bytes: bytes)) else {
            Issue.record("\(name) is taken for something")
            return
        }
    }

    @Test func moreTagsThanThereMayBeAreRefused() {
        var random = SplitMix64(seed: 1)
        var envelope = Envelope()
        envelope.tags = (0...Envelope.maximumTags).map { _ in Self.tag(&random) }
        guard case .unreadable(.malformed) = StoredValue(envelope.wrap(ByteBuffer())) else {
            Issue.record("17 tags are read")
            return
        }
    }

    @Test func theVersionOfATagIsReadAgain() throws {
        let version = TagVersion.random()
        guard case .enveloped(let value) = StoredValue(version.stored) else { throw Unreadable(bytes: version.stored) }
        #expect(value.tagVersion == version)
        #expect(version.stored.readableBytes == 23)
        #expect(TagVersion.random() != version)
    }

    /// The example of the document, byte for byte.
    @Test func theLayoutIsThatOfTheDocument() {
        var envelope = Envelope()
        envelope.mediaType = ByteBuffer(string: "text/plain")
        envelope.staleSeconds = 30
        let bytes = envelope.wrap(ByteBuffer(string: "hello"))
        #expect(
            Array(bytes.readableBytesView)
                == [0xFF, 1, 1, 0, 0, 0, 24, 1, 0, 10] + Array("text/plain".utf8) + [3, 0, 8, 0, 0, 0, 0, 0, 0, 0, 30] + Array("hello".utf8))
    }

    private struct Unreadable: Error {
        let bytes: ByteBuffer
    }
}
