import CacheAPI

/// Decides how many of a client's bytes the HTTP codec may have: those of one request at a time, and only a little of its body until the route
/// asks for it. A value: it decides, the lane acts.
///
/// The codec decodes everything it is given, and a decoded request takes many times the memory of its bytes. A client that sends thousands of
/// requests and reads no answer would fill the process with them. So its bytes stay where they are cheap: in the lane's buffer, which has a
/// bound, and beyond it in the client's own socket.
///
/// Only the codec knows where a request ends. The feed never passes it a byte beyond that end, because it stops at the first empty line of a head
/// (RFC 9112, section 2.1), at each empty line of a chunked body, which ends with one (section 7.1), and at the length of any other body.
struct CodecFeed: Equatable {
    /// How the codec finds the end of a body.
    enum BodyFraming: Equatable {
        case none
        case length(Int)
        case chunked
    }

    /// What happens to the bytes at hand.
    enum Step: Equatable {
        /// So many of them go to the codec.
        case take(Int)
        /// None now: more bytes, the route or an answer must come first.
        case wait
        /// They do not begin a request. RFC 9112, section 3: one space on each side of the target.
        case malformed
        /// The head is longer than its bound.
        case headTooLarge
    }

    private enum State: Equatable {
        /// `count` bytes of a head have gone to the codec.
        case head(count: Int)
        /// So many bytes of the body are to come; nil if only the codec can tell.
        case body(remaining: Int?)
        /// The request is complete.
        case answering
        /// The end of the answer is written but not yet flushed.
        case answered
    }

    /// How much of a body goes to the codec before the route asks for it: enough for most bodies to arrive with their head.
    static let unaskedBodyBytes = 16 * 1024

    private let maximumHeadBytes: Int
    private var state = State.head(count: 0)
    /// The current line has had no byte but CR so far.
    private var lineIsEmpty = true
    private var unaskedBytes = Self.unaskedBodyBytes
    private var isBodyWanted = false
    /// The request's method is `HEAD`, so that its answer has no body even if the request turns out to be malformed.
    private(set) var isHeadRequest = false

    init(maximumHeadBytes: Int) {
        self.maximumHeadBytes = maximumHeadBytes
    }

    // MARK: What the lane asks

    /// The next byte begins a request.
    var isBetweenRequests: Bool { self.state == .head(count: 0) }

    /// A complete request has not been answered.
    var isAnswering: Bool { self.state == .answering || self.state == .answered }

    /// The answer to the request is written.
    var isAnswered: Bool { self.state == .answered }

    /// The client waits for us, not we for the client.
    var isServiceDue: Bool {
        switch self.state {
        case .head: false
        case .body: !self.isBodyWanted && self.unaskedBytes == 0
        case .answering, .answered: true
        }
    }

    /// Decides about `bytes`, the first of which the codec has not seen. O(n).
    mutating func step(_ bytes: UnsafeRawBufferPointer) -> Step {
        guard !bytes.isEmpty else { return .wait }
        switch self.state {
        case .head(let count):
            return self.headStep(bytes, count)
        case .body(let remaining):
            let allowed = min(bytes.count, remaining ?? .max, self.isBodyWanted ? .max : self.unaskedBytes)
            guard allowed > 0 else { return .wait }
            let piece = UnsafeRawBufferPointer(rebasing: bytes[..<allowed])
            let taken = remaining == nil ? self.throughEmptyLine(piece) : allowed
            if !self.isBodyWanted { self.unaskedBytes -= taken }
            self.state = .body(remaining: remaining.map { $0 - taken })
            return .take(taken)
        case .answering, .answered:
            return .wait
        }
    }

    private mutating func headStep(_ bytes: UnsafeRawBufferPointer, _ count: Int) -> Step {
        if count == 0 {
            // RFC 9112, section 2.2: empty lines before a request are ignored.
            let leading = bytes.prefix { $0 == UInt8(ascii: "\r") || $0 == UInt8(ascii: "\n") }.count
            guard leading == 0 else { return .take(leading) }
            switch Self.requestLine(bytes) {
            case .complete: break
            case .incomplete: return bytes.count > self.maximumHeadBytes ? .headTooLarge : .wait
            case .malformed: return .malformed
            }
            self.isHeadRequest = Self.isHead(bytes)
            self.lineIsEmpty = true
        }
        let taken = self.throughEmptyLine(bytes)
        guard count + taken <= self.maximumHeadBytes else { return .headTooLarge }
        self.state = .head(count: count + taken)
        return .take(taken)
    }

    // MARK: What happens

    /// The lane passes on a head that it has framed itself.
    mutating func passedHead(_ bytes: UnsafeRawBufferPointer) {
        self.isHeadRequest = Self.isHead(bytes)
        self.state = .head(count: bytes.count)
    }

    /// The codec has read a head.
    mutating func readHead(_ framing: BodyFraming) {
        self.lineIsEmpty = false
        switch framing {
        case .none: self.state = .body(remaining: 0)
        case .length(let count): self.state = .body(remaining: count)
        case .chunked: self.state = .body(remaining: nil)
        }
    }

    /// The codec has read the end of a request.
    mutating func readEnd() { self.state = .answering }

    /// The route wants the body.
    mutating func bodyWanted() { self.isBodyWanted = true }

    /// The end of the answer is written.
    mutating func answerWritten() { self.state = .answered }

    /// The answer is flushed: the next request may come.
    mutating func nextRequest() { self = CodecFeed(maximumHeadBytes: self.maximumHeadBytes) }

    // MARK: Bytes

    private enum RequestLine { case complete, incomplete, malformed }

    /// `method SP request-target SP HTTP-version`, then the end of the line (RFC 9112, section 3). The codec judges its parts.
    private static func requestLine(_ bytes: UnsafeRawBufferPointer) -> RequestLine {
        var part = 0
        var partStart = 0
        for (index, byte) in bytes.enumerated() {
            switch byte {
            case UInt8(ascii: "\n"):
                return part == 2 && index > partStart ? .complete : .malformed
            case UInt8(ascii: " "):
                guard index > partStart, part < 2 else { return .malformed }
                part += 1
                partStart = index + 1
            case UInt8(ascii: "\r"):
                guard part == 2, index > partStart, index + 1 == bytes.count || bytes[index + 1] == UInt8(ascii: "\n") else { return .malformed }
            case _ where part == 0:
                guard ByteClass.isToken(byte) else { return .malformed }
            default:
                guard byte > 0x20, byte != 0x7f else { return .malformed }
            }
        }
        return .incomplete
    }

    private static func isHead(_ bytes: UnsafeRawBufferPointer) -> Bool { bytes.starts(with: "HEAD ".utf8) }

    /// How many bytes there are up to the end of the first empty line; all if there is none.
    private mutating func throughEmptyLine(_ bytes: UnsafeRawBufferPointer) -> Int {
        for (index, byte) in bytes.enumerated() {
            if byte == UInt8(ascii: "\n") {
                if self.lineIsEmpty { return index + 1 }
                self.lineIsEmpty = true
            } else if byte != UInt8(ascii: "\r") {
                self.lineIsEmpty = false
            }
        }
        return bytes.count
    }
}
