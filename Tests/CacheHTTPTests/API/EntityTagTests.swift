import Cache
import NIOCore
import Testing

@testable import CacheAPI

/// The hash, the tags that are made of it, and what a request says of them.
@Suite struct EntityTagTests {
    private func digest(_ text: String, seed: UInt64 = 0) -> [UInt64] {
        let digest = MurmurHash3.hash(ByteBuffer(string: text).readableBytesSpan, seed: seed)
        return [digest.high, digest.low]
    }

    // MARK: The hash

    @Test(
        arguments: [
            ("", 0, [0, 0]), ("hello", 0, [0xcbd8_a7b3_41bd_9b02, 0x5b1e_906a_48ae_1d19]),
            ("hello, world", 0, [0x342f_ac62_3a5e_bc8e, 0x4cdc_bc07_9642_414d]),
            ("19 Jan 2038 at 3:14:07 AM", 0, [0xb89e_5988_b737_affc, 0x664f_c295_0231_b2cb]),
            ("The quick brown fox jumps over the lazy dog.", 0, [0xcd99_481f_9ee9_02c9, 0x695d_a1a3_8987_b6e7]),
        ] as [(String, UInt64, [UInt64])])
    func knownDigests(_ text: String, _ seed: UInt64, _ digest: [UInt64]) {
        #expect(self.digest(text, seed: seed) == digest)
    }

    /// The verification value of SMHasher: the hashes of 0, 0 1, 0 1 2 and so on with the seeds 256, 255 and so on, hashed once more.
    @Test func verificationValue() {
        var all = ByteBuffer()
        for count in 0..<256 {
            let key = ByteBuffer(bytes: (0..<count).map { UInt8($0) })
            let digest = MurmurHash3.hash(key.readableBytesSpan, seed: UInt64(256 - count))
            all.writeInteger(digest.high, endianness: .little)
            all.writeInteger(digest.low, endianness: .little)
        }
        #expect(UInt32(truncatingIfNeeded: MurmurHash3.hash(all.readableBytesSpan).high) == 0x6384_BA69)
    }

    // MARK: Tags

    private func value(_ text: String, _ mediaType: String? = nil, _ coding: String? = nil, stale: Int64 = 0) -> CachedValue {
        var envelope = Envelope()
        envelope.mediaType = mediaType.map { ByteBuffer(string: $0) }
        envelope.contentEncoding = coding.map { ByteBuffer(string: $0) }
        envelope.staleSeconds = stale
        let payload = ByteBuffer(string: text)
        guard !envelope.isPlain else { return .buffer(payload) }
        guard case .enveloped(let value) = StoredValue(envelope.wrap(payload)) else { return .buffer(ByteBuffer()) }
        return .envelope(value)
    }

    @Test func theTagIsOfTheRepresentation() {
        let plain = EntityTag(self.value("{}"))
        #expect(plain.text.wholeMatch(of: #/"[0-9a-f]{32}"/#) != nil)
        #expect(EntityTag(self.value("{}", stale: 5)) == plain, "how long it may be stale is not part of it")
        let others = [
            self.value("{} "), self.value("{}", "text/plain"), self.value("{}", "text/html"), self.value("{}", nil, "gzip"),
            self.value("{}", "text/plain", "gzip"), self.value("{}", "gzip"),
        ].map { EntityTag($0) }
        #expect(Set(others + [plain]).count == 7)
    }

    @Test func theTagOfWhatIsStoredIsThatOfWhatIsRead() {
        var envelope = Envelope()
        #expect(EntityTag(ByteBuffer(string: "1"), in: envelope) == EntityTag(self.value("1")))
        envelope.mediaType = ByteBuffer(string: "text/csv")
        #expect(EntityTag(ByteBuffer(string: "1"), in: envelope) == EntityTag(self.value("1", "text/csv")))
    }

    // MARK: Conditions

    /// `T` stands for the tag of the value, `O` for another one.
    private func verdict(
        match: String? = nil, noneMatch: String? = nil, isAbsent: Bool = false, isChange: Bool = false
    ) -> RequestConditions.Verdict {
        let tag = EntityTag(self.value("1"))
        let other = EntityTag(self.value("2"))
        let list = { (text: String) in ByteBuffer(string: text.replacing("T", with: tag.text).replacing("O", with: other.text)) }
        return RequestConditions(ifMatch: match.map(list), ifNoneMatch: noneMatch.map(list)).verdict(isAbsent ? nil : tag, isChange: isChange)
    }

    @Test(arguments: ["T", "*", " * ", "O, T", "O,T", ",, T ,", "\t T", "W/T", "O , W/T", #""", T"#])
    func aReadOfWhatTheClientHas(_ list: String) {
        #expect(self.verdict(noneMatch: list) == .matched)
        #expect(self.verdict(noneMatch: list, isAbsent: true) == .met)
    }

    @Test(arguments: ["", "O", "W/O", "**", "* T", "T T", "w/T", "W/ T", "x, T", "\"x", "T\"", "O T", "'T'"])
    func whatNamesNoTagOrAnother(_ list: String) {
        #expect(self.verdict(noneMatch: list) == .met)
        #expect(self.verdict(match: list) == .failed)
    }

    /// Whoever wants to create, and says so in a way that cannot be read, does not overwrite.
    @Test(arguments: ["**", "*, *", "* T", "O, *", "T T", "w/T", "W/", "W/ T", "x, O", "\"x", "O\"", "O T", "'T'"])
    func aChangeWhoseConditionIsMalformed(_ list: String) {
        #expect(self.verdict(noneMatch: list, isChange: true) == .matched)
        #expect(self.verdict(noneMatch: list, isAbsent: true, isChange: true) == .met)
    }

    @Test(arguments: ["", "O", "O, W/O", " ,, O ,"]) func aChangeOfWhatTheClientDoesNotHave(_ list: String) {
        #expect(self.verdict(noneMatch: list, isChange: true) == .met)
    }

    @Test func aChangeOfWhatTheClientKnows() {
        #expect(self.verdict(match: "T") == .met && self.verdict(match: "*") == .met && self.verdict(match: "O, T") == .met)
        #expect(self.verdict(match: "W/T") == .failed, "only strong tags count")
        #expect(self.verdict(match: "T", isAbsent: true) == .failed && self.verdict(match: "*", isAbsent: true) == .failed)
        #expect(self.verdict(match: "T", noneMatch: "T") == .matched && self.verdict(match: "O", noneMatch: "T") == .failed)
        #expect(self.verdict() == .met && self.verdict(isAbsent: true) == .met)
    }
}
