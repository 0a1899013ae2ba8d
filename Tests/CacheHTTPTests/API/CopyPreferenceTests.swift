import NIOCore
import Testing

@testable import CacheAPI

/// Which requests ask for Redis itself.
@Suite struct CopyPreferenceTests {
    private func acceptsCopy(cacheControl: [String] = [], pragma: [String] = []) -> Bool {
        var preference = CopyPreference()
        // In this order: which of the two fields comes first must not matter.
        for value in pragma { ByteBuffer(string: value).withUnsafeReadableBytes { preference.add(pragma: $0) } }
        for value in cacheControl { ByteBuffer(string: value).withUnsafeReadableBytes { preference.add(cacheControl: $0) } }
        return preference.acceptsCopy
    }

    @Test(arguments: [
        "no-cache", "No-Cache", "NO-CACHE", " no-cache\t", "no-cache,", ",no-cache", ", ,\t,no-cache", "no-store, no-cache", "no-store,no-cache,x=1",
        "no-cache=x", #"no-cache="x""#, #"no-cache="""#, "max-age=0", "MAX-AGE=0", "max-age=00", "max-age=0000000000000000000000000000000",
        #"max-age="0""#, #"max-age="00""#, #"max-age="\0""#, "no-store, max-age=0", "max-age=0, max-age=10", "max-age=10, max-age=0",
        "max-age=10, no-cache", #"x="a,b", no-cache"#, #"x="a\"b", no-cache"#, #"x="\\", no-cache"#,
        // What is malformed is skipped, the others count.
        "=, no-cache", "x y, no-cache", "max-age=, no-cache", "max-age=-1, max-age=0", #"x="a"b, no-cache"#, "@, no-cache", "x=;, no-cache",
        #"a b "c, d", no-cache"#,
    ])
    func redisIsAsked(_ value: String) {
        #expect(!self.acceptsCopy(cacheControl: [value]))
    }

    @Test(arguments: [
        "", " ", ",", ",,", "no-store", "only-if-cached", "max-stale", "min-fresh=10", "no-transform", "stale-if-error=0", "max-age", "max-age=",
        "max-age=1", "max-age=10", "max-age=01", "max-age=0.0", "max-age=0x", "max-age=-0", "max-age=+0", "max-age= 0", "max-age =0", "max-age=0 0",
        "max-age=0;x", "max-age='0'", #"max-age="""#, #"max-age=" 0""#, #"max-age="0"#, #"max-age="0"0"#, #"max-age="0\"#, #"max-age="\\0""#,
        "s-maxage=0", "xmax-age=0", "max-age0=0", "xno-cache", "no-cachex", "no-cach", "no-cache x", "no-cache;x", "no-cache=", "no cache",
        "no_cache",
        "x=no-cache", #""no-cache""#, #"x="no-cache""#, #"x="a, no-cache, b""#, #"x="a, max-age=0""#, #"x="a, no-cache"#, #"x="a\", no-cache"#,
        #"x "a, no-cache, b""#, "\u{e9}, no-store", "no-cache\u{0}",
    ])
    func copiesAreAccepted(_ value: String) {
        #expect(self.acceptsCopy(cacheControl: [value]))
        #expect(!self.acceptsCopy(cacheControl: [value, "no-cache"]), "of several lines, each counts")
        #expect(!self.acceptsCopy(cacheControl: ["max-age=0", value]))
    }

    @Test func pragmaCountsOnlyWithoutCacheControl() {
        #expect(self.acceptsCopy())
        for value in ["no-cache", "No-Cache", "x, no-cache", #"x="y", no-cache"#] { #expect(!self.acceptsCopy(pragma: [value])) }
        for value in ["", "x", "max-age=0", "xno-cache", #"x="no-cache""#] { #expect(self.acceptsCopy(pragma: [value])) }
        #expect(!self.acceptsCopy(pragma: ["x", "no-cache"]))
        for value in ["", "no-store", "max-age=10"] { #expect(self.acceptsCopy(cacheControl: [value], pragma: ["no-cache"])) }
        #expect(!self.acceptsCopy(cacheControl: ["no-cache"], pragma: ["x"]))
        var preference = CopyPreference()
        ByteBuffer(string: "no-store").withUnsafeReadableBytes { preference.add(cacheControl: $0) }
        ByteBuffer(string: "no-cache").withUnsafeReadableBytes { preference.add(pragma: $0) }
        #expect(preference.acceptsCopy)
    }

    /// Every byte in every place of a value: no trap, and only another case of the same letter leaves the meaning as it is.
    @Test func oneByteOff() {
        for value in ["no-cache", "max-age=0"] {
            for place in value.utf8.indices {
                let offset = value.utf8.distance(from: value.startIndex, to: place)
                for byte in UInt8.min ... .max {
                    var bytes = Array(value.utf8)
                    bytes[offset] = byte
                    var preference = CopyPreference()
                    ByteBuffer(bytes: bytes).withUnsafeReadableBytes { preference.add(cacheControl: $0) }
                    let isSame = ByteClass.lowercased(byte) == value.utf8[place]
                    #expect(preference.acceptsCopy == !isSame, "\(value), byte \(byte) at \(offset)")
                }
            }
        }
    }
}
