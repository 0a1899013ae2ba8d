import Testing

@testable import HTTPWire

@Suite struct ClientPrefaceTests {
    private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    private func find(_ bytes: some Sequence<UInt8>) -> ClientPreface.Finding { Array(bytes).withUnsafeBytes { ClientPreface.find(in: $0) } }

    @Test func aPartOfThePrefaceDecidesNothing() {
        for count in 0..<Self.preface.count { #expect(self.find(Self.preface.prefix(count)) == .undecided, "\(count) bytes") }
        #expect(self.find(Self.preface) == .http2)
        #expect(self.find(Self.preface + [0, 0, 0, 4]) == .http2)
    }

    /// As soon as one byte differs, all of it is HTTP/1.1.
    @Test func anyOtherByteIsHTTP1() {
        for index in Self.preface.indices {
            var bytes = Self.preface
            bytes[index] ^= 0x20
            #expect(self.find(bytes) == .http1)
            #expect(self.find(bytes.prefix(index + 1)) == .http1)
        }
        for text in ["GET / HTTP/1.1\r\n", "POST /cache HTTP/1.1\r\n", "P", "PUT", "PRI * HTTP/1.1\r\n\r\n", "pri * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
            #expect(self.find(text.utf8) == (text == "P" ? .undecided : .http1), "\(text)")
        }
    }
}
