import Bytes
import Cache
package import NIOCore

/// Writes the body of a batch's answer piece by piece, so that it need not be in memory a second time. Values are let go once they are written.
///
/// A value: whoever sends the pieces decides when the next one is due, over HTTP/1.1 or as frames of HTTP/2.
package struct BatchAnswerWriter {
    private var results: [BatchResult]
    private var index = 0
    /// How much of the value at `index` is written; nil if its result has not begun.
    private var valueOffset: Int?
    private var hasBegun = false
    /// Bytes that are still to be written.
    package private(set) var remainingCount: Int

    package init(_ results: BatchResults) {
        self.results = results.results
        self.remainingCount = results.count
    }

    package var isFinished: Bool { self.remainingCount == 0 }

    /// Appends the next piece.
    /// - Parameter maximumBytes: at least 1. The piece is longer by less than a result without its value, so that only values are cut.
    package mutating func writePiece(of maximumBytes: Int, into buffer: inout ByteBuffer) {
        guard !self.isFinished else { return }
        let start = buffer.readableBytes
        buffer.reserveCapacity(minimumWritableBytes: min(maximumBytes, self.remainingCount))
        if !self.hasBegun {
            self.hasBegun = true
            buffer.writeStaticString(BatchResults.opening)
        }
        while self.index < self.results.count {
            let room = maximumBytes - (buffer.readableBytes - start)
            guard room > 0 else { break }
            self.writeResult(room: room, into: &buffer)
        }
        if self.index == self.results.count { buffer.writeStaticString(BatchResults.closing) }
        self.remainingCount -= buffer.readableBytes - start
    }

    private mutating func writeResult(room: Int, into buffer: inout ByteBuffer) {
        let result = self.results[self.index]
        if self.valueOffset == nil, self.index > 0 { buffer.writeInteger(UInt8(ascii: ",")) }
        let count = result.count
        guard let (key, value) = result.value, self.valueOffset != nil || count > room else {
            buffer.append(maximumCount: count) { result.write(into: &$0) }
            return self.resultWritten()
        }
        if self.valueOffset == nil { buffer.append(maximumCount: count - value.count) { AnswerBody.writeResultHead(key, into: &$0) } }
        let offset = self.valueOffset ?? 0
        let end = min(value.count, offset + room)
        value.withBytes { bytes in _ = buffer.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[offset..<end])) }
        self.valueOffset = end
        guard end == value.count else { return }
        buffer.append(maximumCount: count - value.count) { result.writeEnd(into: &$0) }
        self.resultWritten()
    }

    private mutating func resultWritten() {
        self.valueOffset = nil
        // The value may take much memory, and need not wait for its neighbours.
        self.results[self.index] = .success(.detail(""))
        self.index += 1
    }
}
