import CacheAPI
import HTTPWire
import NIOCore
import NIOHPACK

/// A header list, read as one of HTTP/2, and spelled as the head of a request of HTTP/1.1: both must be taken for the same.
///
/// The first three lines of the input are method, target and authority, the others are fields.
enum HTTP2RequestTarget {
    private static let recogniser = RequestRecogniser(maximumHeadBytes: 65_536, maximumBodyBytes: 4096)
    /// More are refused, over either protocol.
    private static let maximumFields = 50

    /// What a request for a key is about, wherever it stands.
    private struct Finding: Equatable {
        let method: RequestMethod
        let key: [UInt8]
        let bodyCount: Int
        let requestID: [UInt8]?

        /// - Parameter bytes: begin with the head of the request.
        init(_ request: KeyRequest, _ bytes: [UInt8]) {
            let headCount = request.body.lowerBound
            precondition(headCount <= bytes.count && request.key.range.upperBound <= headCount, "a range outside of the head")
            precondition(request.requestID.map { $0.upperBound <= headCount } ?? true, "an id outside of the head")
            self.method = request.method
            self.key = Array(bytes[request.key.range])
            self.bodyCount = request.body.count
            self.requestID = request.requestID.map { Array(bytes[$0]) }
        }
    }

    static func run(_ bytes: UnsafeRawBufferPointer) {
        let lines = bytes.split(separator: UInt8(ascii: "\n"), maxSplits: 3 + self.maximumFields, omittingEmptySubsequences: false)
            .prefix(3 + self.maximumFields).map { String(decoding: $0, as: UTF8.self) }
        guard lines.count >= 3 else { return }
        let fields = lines[3...].map { line in
            let name = line.prefix { $0 != ":" }
            return (String(name), String(line.dropFirst(name.count + 1)))
        }
        let pseudo = [(":method", lines[0]), (":scheme", "http"), (":path", lines[1]), (":authority", lines[2])]
        let list = HPACKHeaders(pseudo + fields)
        for isComplete in [true, false] {
            var reader = HTTP2RequestReader(self.recogniser)
            let reading = reader.read(list, isComplete: isComplete)
            var finding: Finding?
            if case .key(let request, let bytes) = reading {
                precondition(request.body.lowerBound == bytes.readableBytes, "the body goes behind the head")
                precondition(request.body.isEmpty == isComplete, "a body without a length")
                finding = Finding(request, Array(bytes.readableBytesView))
                precondition(finding?.key.allSatisfy { $0 > 0x20 && $0 < 0x7f } == true, "a key that no target can have")
            }
            guard self.isPlain(lines[2]), fields.allSatisfy({ self.isName($0.0) && self.isPlain($0.1) }) else { continue }
            self.compare(reading, finding, lines, fields, isComplete: isComplete)
        }
    }

    /// Whether a field of HTTP/1.1 can have the name. NIO lets no others through; `host` may be said once more in HTTP/2 alone.
    private static func isName(_ name: String) -> Bool {
        let characters = Set("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz".utf8)
        return !name.isEmpty && name.utf8.allSatisfy(characters.contains) && name != "host"
    }

    /// Whether a value is visible ASCII that begins and ends with none of the blanks that HTTP/1.1 strips.
    private static func isPlain(_ value: String) -> Bool {
        value.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7f } && value.utf8.first != 0x20 && value.utf8.last != 0x20
    }

    private static func compare(
        _ reading: HTTP2RequestReader.Reading, _ finding: Finding?, _ lines: [String], _ fields: [(String, String)], isComplete: Bool
    ) {
        let fieldLines = fields.map { "\($0.0): \($0.1)\r\n" }.joined()
        let head = Array("\(lines[0]) \(lines[1]) HTTP/1.1\r\nHost: \(lines[2])\r\n\(fieldLines)\r\n".utf8)
        let recognition = head.withUnsafeBytes { self.recogniser.recognise($0) }
        switch (recognition, reading) {
        case (.key(let request), .key): precondition(finding == Finding(request, head), "another request")
        case (.key(let request), .other): precondition(request.body.isEmpty != isComplete, "a request for a key that is not seen")
        case (.other, .other), (.notFramable, .other), (.notFramable, .refused): break
        case (.incompleteHead, _), (.other, _), (.key, .refused), (.notFramable, .key):
            preconditionFailure("not what HTTP/1.1 makes of it: \(lines)")
        }
    }
}
