package import NIOCore

/// An incremental decoder of RESP2 and RESP3.
///
/// RESP is a sequence of lines, some of which announce a payload (bulk) or further elements (aggregates). Between reads the decoder keeps its
/// progress: how much of an unfinished line it has scanned, the payload it is waiting for, and a stack of unfinished aggregates. Every byte of a line
/// is therefore read once to find its end and once for its content, a payload is not read at all, and an aggregate is never restarted: the work is
/// linear in the bytes, however they are split. There is no recursion: depth costs a stack entry, not a stack frame.
///
/// Contract with the caller: bytes that `next` leaves in the buffer are passed in again, unchanged and followed by the bytes that arrived after them;
/// the buffer may move to other storage in between. After an error, every further call throws the same error.
///
/// Reference: https://redis.io/docs/latest/develop/reference/protocol-spec/. No Redis ever sent the streamed strings and aggregates (`$?`, `*?`) of
/// the RESP3 draft; they are malformed here.
package struct RESPDecoder {
    private enum Payload {
        case none
        case bulk(kind: BulkKind, byteCount: Int)
        /// `remaining` is the number of payload bytes still to drop; CRLF follows them.
        case oversized(remaining: Int, byteCount: Int)
    }

    enum BulkKind {
        case string
        case error
        case verbatim
    }

    private enum Step {
        case incomplete
        case value(RESPValue)
        /// An aggregate was opened; its elements follow.
        case opened
    }

    private let limits: RESPLimits
    private var stack: [RESPAggregate] = []
    private var payload = Payload.none
    /// Number of bytes at the front of the buffer that do not contain the end of the line.
    private var scanned = 0
    /// Elements announced so far in the current reply.
    private var announcedElements = 0
    private var failure: RESPError?

    package init(limits: RESPLimits = RESPLimits()) {
        self.limits = limits
    }

    /// Bytes of the current payload, including its CRLF, that have not arrived yet; 0 if unknown. A hint to reserve memory once instead of by
    /// doubling.
    package func missingPayloadBytes(readableBytes: Int) -> Int {
        switch self.payload {
        case .none, .oversized: 0
        case .bulk(_, let byteCount): max(0, byteCount + 2 - readableBytes)
        }
    }

    /// Takes the next complete reply from the front of the buffer, or returns nil if more bytes are needed. Linear in the bytes over all calls.
    package mutating func next(_ buffer: inout ByteBuffer) throws(RESPError) -> RESPValue? {
        if let failure = self.failure {
            throw failure
        }
        if self.stack.isEmpty, self.scanned == 0, case .none = self.payload {
            self.announcedElements = 0
            if let value = RESPFastPath.next(&buffer, maximumBulkBytes: self.limits.maximumBulkBytes) {
                return value
            }
        }
        do {
            return try self.general(&buffer)
        } catch {
            self.failure = error
            throw error
        }
    }

    private mutating func general(_ buffer: inout ByteBuffer) throws(RESPError) -> RESPValue? {
        while true {
            switch try self.step(&buffer) {
            case .incomplete:
                return nil
            case .opened:
                continue
            case .value(let value):
                if let reply = self.place(value) {
                    return reply
                }
            }
        }
    }

    /// Adds a value to the aggregate it belongs to; returns it if the reply is complete.
    private mutating func place(_ value: RESPValue) -> RESPValue? {
        var value = value
        while let top = self.stack.indices.last {
            self.stack[top].append(value)
            guard self.stack[top].remaining == 0 else {
                return nil
            }
            guard let finished = self.stack.removeLast().finish() else {
                // An attribute is not a value; the value it describes follows.
                return nil
            }
            value = finished
        }
        return value
    }

    private mutating func step(_ buffer: inout ByteBuffer) throws(RESPError) -> Step {
        switch self.payload {
        case .none:
            return try self.line(&buffer)
        case .bulk(let kind, let byteCount):
            guard buffer.readableBytes >= byteCount + 2 else {
                return .incomplete
            }
            guard let bytes = buffer.readSlice(length: byteCount), Self.skipLineEnd(&buffer) else {
                throw RESPError(.malformed, "a bulk payload is not followed by CRLF")
            }
            self.payload = .none
            return .value(try Self.bulkValue(kind, bytes))
        case .oversized(let remaining, let byteCount):
            let dropped = min(remaining, buffer.readableBytes)
            buffer.moveReaderIndex(forwardBy: dropped)
            guard dropped == remaining, buffer.readableBytes >= 2 else {
                self.payload = .oversized(remaining: remaining - dropped, byteCount: byteCount)
                return .incomplete
            }
            guard Self.skipLineEnd(&buffer) else {
                throw RESPError(.malformed, "a bulk payload is not followed by CRLF")
            }
            self.payload = .none
            return .value(.oversized(byteCount: byteCount))
        }
    }

    private static func skipLineEnd(_ buffer: inout ByteBuffer) -> Bool {
        buffer.readInteger(as: UInt16.self) == 0x0D0A
    }

    private static func bulkValue(_ kind: BulkKind, _ bytes: ByteBuffer) throws(RESPError) -> RESPValue {
        switch kind {
        case .string:
            return .bulkString(bytes)
        case .error:
            return .error(bytes)
        case .verbatim:
            guard bytes.readableBytes >= 4, bytes.getInteger(at: bytes.readerIndex + 3, as: UInt8.self) == UInt8(ascii: ":") else {
                throw RESPError(.malformed, "a verbatim string has no format")
            }
            return .verbatimString(bytes)
        }
    }

    /// Finds the end of the current line, without scanning any byte twice, and interprets the line.
    private mutating func line(_ buffer: inout ByteBuffer) throws(RESPError) -> Step {
        guard let type = buffer.getInteger(at: buffer.readerIndex, as: UInt8.self) else {
            return .incomplete
        }
        guard RESPLine.isType(type) else {
            throw RESPError(.malformed, "unknown type byte")
        }
        guard let length = try self.lineLength(buffer) else {
            return .incomplete
        }
        self.scanned = 0
        guard let line = buffer.readSlice(length: length) else {
            return .incomplete
        }
        buffer.moveReaderIndex(forwardBy: 2)
        switch try RESPLine.parse(line) {
        case .value(let value):
            return .value(value)
        case .bulk(let kind, let byteCount):
            guard byteCount <= RESPLimits.protocolMaximumBulkBytes else {
                throw RESPError(.bulkTooLarge, "a bulk string is longer than Redis allows")
            }
            self.payload =
                byteCount > self.limits.maximumBulkBytes
                ? .oversized(remaining: byteCount, byteCount: byteCount) : .bulk(kind: kind, byteCount: byteCount)
            return try self.step(&buffer)
        case .aggregate(let kind, let count):
            return try self.open(kind, count: count)
        }
    }

    /// The number of bytes before CRLF, or nil if the line is not complete yet.
    private mutating func lineLength(_ buffer: ByteBuffer) throws(RESPError) -> Int? {
        let bytes = buffer.readableBytesUInt8Span
        var index = self.scanned
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "\r") {
                break
            }
            guard byte != UInt8(ascii: "\n"), index < self.limits.maximumLineBytes else {
                throw byte == UInt8(ascii: "\n")
                    ? RESPError(.malformed, "a line feed without a carriage return")
                    : RESPError(.lineTooLong, "a line is longer than the limit")
            }
            index += 1
        }
        self.scanned = index
        guard index + 1 < bytes.count else {
            return nil
        }
        guard bytes[index + 1] == UInt8(ascii: "\n") else {
            throw RESPError(.malformed, "a carriage return without a line feed")
        }
        return index
    }

    private mutating func open(_ kind: RESPAggregate.Kind, count: Int) throws(RESPError) -> Step {
        if case .push = kind, !self.stack.isEmpty {
            throw RESPError(.malformed, "a push inside another reply")
        }
        guard self.stack.count < self.limits.maximumDepth else {
            throw RESPError(.tooDeep, "a reply is nested too deeply")
        }
        guard count <= self.limits.maximumElements - self.announcedElements else {
            throw RESPError(.tooManyElements, "a reply has too many elements")
        }
        self.announcedElements += count
        let aggregate = RESPAggregate(kind: kind, count: count)
        guard count == 0 else {
            self.stack.append(aggregate)
            return .opened
        }
        guard let empty = aggregate.finish() else {
            return .opened
        }
        return .value(empty)
    }
}

/// An aggregate whose elements have not all arrived yet: one level of the decoder's explicit stack.
struct RESPAggregate {
    enum Kind {
        case array
        case map
        case set
        case push
        /// Metadata about the value that follows (RESP3 attributes); read and dropped.
        case attribute
    }

    let kind: Kind
    private(set) var remaining: Int
    private var elements: [RESPValue]

    init(kind: Kind, count: Int) {
        self.kind = kind
        self.remaining = count
        self.elements = []
        // The count comes from the peer: do not let it cause a large allocation.
        self.elements.reserveCapacity(min(count, 1024))
    }

    mutating func append(_ value: RESPValue) {
        self.remaining -= 1
        if self.kind != .attribute {
            self.elements.append(value)
        }
    }

    /// The finished aggregate, or nil for an attribute.
    consuming func finish() -> RESPValue? {
        switch self.kind {
        case .array: .array(self.elements)
        case .map: .map(self.elements)
        case .set: .set(self.elements)
        case .push: .push(self.elements)
        case .attribute: nil
        }
    }
}

/// The limits of what a decoder accepts; a reply beyond them is an error, except for a bulk string (see `maximumBulkBytes`).
package struct RESPLimits: Sendable, Hashable {
    /// Redis itself rejects strings longer than this (`proto-max-bulk-len`, 512 MiB by default), so a greater length means a broken stream.
    package static let protocolMaximumBulkBytes = 512 * 1024 * 1024

    /// The longest bulk payload that is delivered, in bytes; a longer one, up to `protocolMaximumBulkBytes`, becomes `.oversized`.
    package var maximumBulkBytes: Int
    /// The deepest nesting of aggregates; a flat array has depth 1.
    package var maximumDepth: Int
    /// The most elements that one reply may announce, over all levels and including attributes; a map entry counts as two.
    package var maximumElements: Int
    /// The longest line, in bytes, including its type byte and excluding CRLF.
    package var maximumLineBytes: Int

    package init(
        maximumBulkBytes: Int = 8 * 1024 * 1024,
        maximumDepth: Int = 32,
        maximumElements: Int = 1_048_576,
        maximumLineBytes: Int = 64 * 1024
    ) {
        self.maximumBulkBytes = maximumBulkBytes
        self.maximumDepth = maximumDepth
        self.maximumElements = maximumElements
        self.maximumLineBytes = maximumLineBytes
    }
}
