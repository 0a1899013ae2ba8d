import Access
import Bytes
import Cache
import CacheAPI
import HTTPWire
import JSON
import NIOCore
import RESP
import RedisClient
import Telemetry

/// Everything that parses bytes of anybody's choice. A target traps if something is not as it must be; what is refused is refused without a trap.
package enum FuzzTarget: String, CaseIterable, Sendable {
    /// Replies of a server, in one piece and in two.
    case resp
    /// JSON texts for the scanner; any text for the writer.
    case json
    /// Bodies of requests.
    case body
    /// A pattern and a key, apart by a zero byte.
    case glob
    /// The head of a request.
    case request
    /// The header list of a request over HTTP/2.
    case http2Request = "http2-request"
    case redisURL = "redis-url"
    /// The file of API keys.
    case accessKeys = "access-keys"
    case cors
    /// `traceparent` and `X-Cloud-Trace-Context`.
    case trace
    /// What is stored at a key.
    case stored

    package func run(_ bytes: UnsafeRawBufferPointer) {
        switch self {
        case .resp: Self.resp(bytes)
        case .json: Self.json(bytes)
        case .body: Self.body(bytes)
        case .glob: Self.glob(bytes)
        case .request: Self.request(bytes)
        case .http2Request: HTTP2RequestTarget.run(bytes)
        case .redisURL: Self.redisURL(bytes)
        case .accessKeys: Self.accessKeys(bytes)
        case .cors: Self.cors(bytes)
        case .trace: Self.trace(bytes)
        case .stored: Self.stored(bytes)
        }
    }

    // MARK: RESP

    private static func resp(_ bytes: UnsafeRawBufferPointer) {
        let whole = self.decode([bytes[...]])
        guard bytes.count > 1 else { return }
        // Where it is cut depends on the bytes, so that a case that was found is found again.
        let split = 1 + Int(bytes[bytes.count / 2]) % (bytes.count - 1)
        precondition(self.decode([bytes[..<split], bytes[split...]]) == whole, "a split changes what is decoded")
    }

    private static func decode(_ pieces: [Slice<UnsafeRawBufferPointer>]) -> [String] {
        var decoder = RESPDecoder()
        var buffer = ByteBuffer()
        var decoded: [String] = []
        for piece in pieces {
            buffer.writeBytes(piece)
            do throws(RESPError) {
                while let value = try decoder.next(&buffer) { decoded.append("\(value)") }
            } catch {
                return decoded + ["error"]
            }
        }
        return decoded
    }

    // MARK: JSON

    private static func json(_ bytes: UnsafeRawBufferPointer) {
        let buffer = ByteBuffer(bytes: bytes)
        let text = buffer.readableBytesUInt8Span
        let isUTF8 = String(validating: buffer.readableBytesView, as: UTF8.self) != nil
        precondition(UTF8Validator.isValid(text) == isUTF8, "two minds about UTF-8")
        let name: InlineArray<1, JSONMemberName> = [JSONMemberName("a")]
        do throws(JSONError) {
            let document = try JSONScanner.scanObject(members: name, in: text, maximumDepth: 32)
            precondition(isUTF8, "a text that is no UTF-8")
            let root = document.root
            precondition(root.range.lowerBound < root.range.upperBound && root.range.upperBound <= text.count)
            if let member = document.members[0] {
                precondition(root.kind == .object && root.range.contains(member.range.lowerBound) && member.range.upperBound < root.range.upperBound)
                precondition(self.kind(of: member.slice(of: buffer)) == member.kind, "a member that is no value")
            }
            var compacted = ByteBuffer()
            JSONWriter.writeCompacted(root.slice(of: buffer).readableBytesUInt8Span, into: &compacted)
            precondition(self.kind(of: compacted) == root.kind && compacted.readableBytes <= root.range.count, "compacted, it is another value")
            if let string = root.decodeString(in: buffer) { self.isWrittenAndRead(string) }
        } catch {
            precondition(error.characterOffset <= error.byteOffset && error.byteOffset <= text.count, "an offset that is outside of the text")
        }
        if isUTF8 { self.isWrittenAndRead(buffer) }
    }

    /// The kind of a text that is one JSON value; nil if it is none.
    private static func kind(of text: ByteBuffer) -> JSONKind? {
        try? JSONScanner.validate(text.readableBytesUInt8Span, maximumDepth: 32).kind
    }

    /// Every text is a string for the scanner once the writer has written it, and stands for itself.
    private static func isWrittenAndRead(_ text: ByteBuffer) {
        var string = ByteBuffer()
        JSONWriter.writeString(text, into: &string)
        precondition(JSONWriter.stringCount(text) == string.readableBytes, "a string of another length than was said")
        precondition(self.decoded(string) == text, "a string that stands for another text")
        var line = ByteBuffer()
        JSONWriter.writeLineString(String(buffer: text), maximumByteCount: text.readableBytes, into: &line)
        precondition(self.decoded(line) == text, "a string on a line that stands for another text")
        precondition(line.readableBytesView.allSatisfy { $0 >= 0x20 && $0 != 0x7F }, "a control character on a line")
    }

    private static func decoded(_ string: ByteBuffer) -> ByteBuffer? {
        (try? JSONScanner.validate(string.readableBytesUInt8Span))?.decodeString(in: string)
    }

    private static func body(_ bytes: UnsafeRawBufferPointer) {
        let body = ByteBuffer(bytes: bytes)
        let limits = RequestLimits(maximumKeyBytes: 64, maximumValueBytes: 4096, maximumTTLSeconds: 1000, maximumJSONDepth: 32)
        if case .success(let command) = SetRequest.parse(body: body, limits: limits) {
            precondition((1...64).contains(command.key.readableBytes) && command.value.readableBytes <= 4096)
            precondition(command.ttl.map { (1...1000).contains($0) } ?? true)
            precondition(String(validating: command.key.readableBytesView, as: UTF8.self) != nil, "a key that is no UTF-8")
            precondition(String(validating: command.value.readableBytesView, as: UTF8.self) != nil, "a value that is no UTF-8")
            self.isReadAgain(command.value, limits)
        }
        switch InvalidateRequest.parse(body: body, limits: limits) {
        case .pattern(let command): precondition((1...64).contains(command.pattern.readableBytes))
        case .tag(let tag): precondition((1...64).contains(tag.readableBytes))
        case .faults(let faults): precondition(!faults.isEmpty)
        }
        self.batch(body, limits)
    }

    /// Each set of a batch is one that is taken by itself, and nothing in it is out of bounds.
    private static func batch(_ body: ByteBuffer, _ limits: RequestLimits) {
        guard case .success(let operations) = BatchRequest.parse(body: body, limits: limits) else { return }
        precondition(operations.count <= limits.maximumBatchOperations)
        for operation in operations {
            precondition((1...64).contains(operation.key.readableBytes))
            precondition(String(validating: operation.key.readableBytesView, as: UTF8.self) != nil, "a key that is no UTF-8")
            guard case .set(let value, let ttlSeconds) = operation.kind else { continue }
            precondition(value.readableBytes <= 4096 && ttlSeconds.map { (1...1000).contains($0) } ?? true)
            self.isReadAgain(value, limits)
        }
    }

    /// What was taken for a value is one: in another body it is taken again, byte for byte.
    private static func isReadAgain(_ value: ByteBuffer, _ limits: RequestLimits) {
        var body = ByteBuffer(string: #"{"key":"k","value":"#)
        body.writeImmutableBuffer(value)
        body.writeString("}")
        guard case .success(let again) = SetRequest.parse(body: body, limits: limits) else { preconditionFailure("a value that is none") }
        precondition(again.value == value, "a value that changes")
    }

    // MARK: Globs

    private static func glob(_ bytes: UnsafeRawBufferPointer) {
        let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
        let pattern = Array(parts[0])
        let key = parts.count > 1 ? Array(parts[1]) : []
        // No key is empty; Redis itself has two minds about that.
        guard !key.isEmpty else { return }
        let matches = GlobPattern(pattern).matches(key.span)
        guard let expected = GlobReference(pattern: pattern, key: key).matches else { return }
        precondition(matches == expected, "the automaton and the definition differ: \(pattern) \(key)")
    }

    // MARK: Heads

    /// Reads the head of a request that was recognised once more, slowly and by other means: each line must be what RFC 9112 and RFC 9110 let a
    /// sender write, and none may say anything about framing but one length.
    private static func readAgain(_ head: [UInt8]) {
        let names = Set("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)
        precondition(head.suffix(4) == [13, 10, 13, 10], "a head ends in an empty line")
        let lines = head.dropLast(4).split(separator: 10, omittingEmptySubsequences: false).map { line in
            precondition(line.last == 13 || line.endIndex == head.count - 4, "a line feed without its carriage return")
            return line.last == 13 ? line.dropLast() : line
        }
        precondition(lines.allSatisfy { $0.allSatisfy { $0 == 9 || (0x20...0x7e).contains($0) } }, "a byte that no line may have")
        let fields = lines.dropFirst().map { line in
            let name = line.prefix { $0 != UInt8(ascii: ":") }
            precondition(!name.isEmpty && name.count < line.count && name.allSatisfy(names.contains), "no field line")
            return String(decoding: name, as: UTF8.self).lowercased()
        }
        precondition(fields.count { $0 == "host" } == 1 && fields.count { $0 == "content-length" } <= 1)
        precondition(Set(fields).isDisjoint(with: ["transfer-encoding", "te", "trailer", "upgrade", "expect", "http2-settings", "proxy-connection"]))
    }

    private static func request(_ bytes: UnsafeRawBufferPointer) {
        let recogniser = RequestRecogniser(maximumHeadBytes: 4096, maximumBodyBytes: 4096)
        let recognition = recogniser.recognise(bytes)
        switch recognition {
        case .incompleteHead, .notFramable:
            return
        case .other(let headCount):
            precondition(headCount > 0 && headCount <= bytes.count)
        case .key(let request):
            precondition(request.body.lowerBound > 0 && request.body.lowerBound <= bytes.count)
            precondition(request.key.range.upperBound <= request.body.lowerBound)
            precondition(request.requestID.map { $0.upperBound <= request.body.lowerBound } ?? true)
            self.readAgain(Array(bytes[..<request.body.lowerBound]))
        }
        // Whatever follows a head changes nothing of it: else a request could be smuggled behind another.
        let longer = Array(bytes) + Array("GET / HTTP/1.1\r\n\r\n".utf8)
        precondition(longer.withUnsafeBytes { recogniser.recognise($0) } == recognition, "what follows a head changes it")
    }

    // MARK: Settings

    private static func redisURL(_ bytes: UnsafeRawBufferPointer) {
        let text = String(decoding: bytes, as: UTF8.self)
        do throws(RedisConfigurationError) {
            let configuration = try RedisURL.parse(text)
            precondition("\(configuration.endpoint)".utf8.count <= text.utf8.count + 16)
        } catch {
            // The whole text may hold a password: no fault may quote it.
            precondition(text.utf8.count < 24 || !"\(error)".contains(text))
        }
    }

    private static func accessKeys(_ bytes: UnsafeRawBufferPointer) {
        guard let ring = try? AccessKeyFile.parse(String(decoding: bytes, as: UTF8.self)) else { return }
        precondition(ring.count <= AccessKeyFile.maximumKeys)
    }

    private static func cors(_ bytes: UnsafeRawBufferPointer) {
        let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
        guard let policy = CORSPolicy(String(decoding: parts[0], as: UTF8.self)) else { return }
        let origin = parts.count > 1 ? String(decoding: parts[1], as: UTF8.self) : "null"
        guard policy.allows(origin) else { return }
        precondition(origin.hasPrefix("http://") || origin.hasPrefix("https://"))
        precondition(origin.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "*") }, "\(origin)")
    }

    private static func trace(_ bytes: UnsafeRawBufferPointer) {
        if let context = TraceContext(traceparent: bytes) {
            precondition(bytes.count >= 55)
            precondition(
                context.traceIDText.utf8.elementsEqual(bytes[TraceContext.traceIDOffset...].prefix(TraceContext.traceIDCount))
                    && context.spanIDText.utf8.elementsEqual(bytes[36..<52]))
        }
        if let context = TraceContext(cloudTraceContext: bytes) {
            precondition(context.traceIDText.utf8.elementsEqual(bytes[..<32]) && context.spanID != 0)
        }
    }

    // MARK: Stored values

    private static func stored(_ bytes: UnsafeRawBufferPointer) {
        let stored = ByteBuffer(bytes: bytes)
        switch StoredValue(stored) {
        case .plain(let value): precondition(value.buffer == stored, "a plain value that is not what was stored")
        case .unreadable: precondition(bytes.count > 1 && bytes[0] == 0xFF, "text that is not read")
        case .enveloped(let value):
            precondition(value.stored.buffer == stored && value.payload.count < bytes.count)
            precondition(value.envelope.wrap(value.payload.buffer) == stored, "an envelope with two spellings")
        }
    }
}
