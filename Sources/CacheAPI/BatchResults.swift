import Bytes
package import Cache
import JSON
import NIOCore

/// The results of a batch, in the order of its operations, not yet written: the length of all together is known.
package struct BatchResults: Sendable {
    static let opening: StaticString = "{\"results\":["
    static let closing: StaticString = "]}"

    let results: [BatchResult]
    /// Length in bytes of the body.
    package let count: Int
    /// The store that answered every operation; nil if it was not the same one, or there are none.
    package let source: CacheSource?
    /// Whether memory answered an operation instead of Redis.
    package let isDegraded: Bool
    /// How many values were found that the answer has no room for.
    package let tooLargeCount: Int

    /// - Parameters:
    ///   - outcomes: one for each operation.
    ///   - maximumBytes: how long the body may be. From the first value on that would make it longer, a value is answered with 413; what has no value
    ///     is answered in any case.
    ///   - record: told what came of each operation; of neighbours with the same together, and how many they are.
    /// - Complexity: O(bytes) of what Redis sent, which is checked; otherwise O(operations).
    package init(
        _ operations: [BatchOperation], _ outcomes: [BatchOutcome], maximumBytes: Int,
        _ record: (CacheOperation, CacheSource, OperationResult, Int) -> Void = { _, _, _, _ in }
    ) {
        var builder = BatchResultBuilder(maximumBytes: maximumBytes, capacity: operations.count)
        for (operation, outcome) in zip(operations, outcomes) { builder.add(operation, outcome, record) }
        builder.recordRun(record)
        self.results = builder.results
        self.count = builder.count + Self.closing.utf8CodeUnitCount
        self.source = builder.source
        self.isDegraded = builder.isDegraded
        self.tooLargeCount = builder.tooLargeCount
    }

    /// Appends the body: `count` bytes.
    func write(into cursor: inout ByteCursor) {
        cursor.append(Self.opening)
        for (index, result) in self.results.enumerated() {
            if index > 0 { cursor.append(UInt8(ascii: ",")) }
            result.write(into: &cursor)
        }
        cursor.append(Self.closing)
    }
}

/// The result of one operation: what the single call answers, with its status before it.
enum BatchResult: Sendable {
    /// `{"status":200,"success":true,...}`
    case success(AnswerBody)
    /// `{"status":200,"success":true,"key":K,"value":V,"etag":T}`
    case tagged(key: ByteBuffer, CachedValue, EntityTag)
    /// `{"status":404,"key":K,"detail":"Key not found"}`
    case failure(AnswerStatus, key: ByteBuffer, detail: StaticString)

    /// - Parameters:
    ///   - answer: of the single call.
    ///   - tagged: the value as it is stored if its tag is wanted; nil if it is not.
    init(_ key: ByteBuffer, _ answer: Answer, tagged: CachedValue?) {
        self =
            switch answer.body {
            case .value(let key, let value): tagged.map { .tagged(key: key, value, EntityTag($0)) } ?? .success(answer.body)
            case .stored, .deleted, .expires: .success(answer.body)
            case .detail(let text): .failure(answer.status, key: key, detail: text)
            // The list of faults of the single call, which has only one.
            case .prepared, .bytes, .batch: .failure(answer.status, key: key, detail: "A value with tags needs a time to live")
            }
    }

    // The tag as it stands in a field, quotes and all.
    private static let tagName: StaticString = ",\"etag\":\"\\\""
    private static let tagClosing: StaticString = "\\\"\""
    private static let statusName: StaticString = "{\"status\":"
    private static let keyName: StaticString = ",\"key\":"
    private static let detailName: StaticString = ",\"detail\":\""
    private static let closing: StaticString = "\"}"
    /// A status has three digits.
    private static let failureOverhead =
        statusName.utf8CodeUnitCount + 3 + keyName.utf8CodeUnitCount + detailName.utf8CodeUnitCount + closing.utf8CodeUnitCount

    /// Length in bytes of what `write` appends.
    var count: Int {
        switch self {
        case .success(let body): body.count + AnswerBody.resultGrowth
        case .tagged(let key, let value, _):
            AnswerBody.value(key: key, value).count + AnswerBody.resultGrowth + Self.tagName.utf8CodeUnitCount + EntityTag.digitCount
                + Self.tagClosing.utf8CodeUnitCount
        case .failure(_, let key, let detail): Self.failureOverhead + JSONWriter.stringCount(key) + detail.utf8CodeUnitCount
        }
    }

    func write(into cursor: inout ByteCursor) {
        switch self {
        case .success(let body):
            body.writeResult(into: &cursor)
        case .tagged(let key, let value, _):
            AnswerBody.writeResultHead(key, into: &cursor)
            value.withBytes { cursor.append($0) }
            self.writeEnd(into: &cursor)
        case .failure(let status, let key, let detail):
            cursor.append(Self.statusName)
            cursor.appendDecimal(status.rawValue)
            cursor.append(Self.keyName)
            JSONWriter.writeString(key, into: &cursor)
            cursor.append(Self.detailName)
            cursor.append(detail)
            cursor.append(Self.closing)
        }
    }

    /// The value of the result, which may be written in pieces; nil if it has none.
    var value: (key: ByteBuffer, value: CachedValue)? {
        switch self {
        case .success(.value(let key, let value)), .tagged(let key, let value, _): (key, value)
        case .success, .failure: nil
        }
    }

    /// Appends what stands after the value.
    func writeEnd(into cursor: inout ByteCursor) {
        if case .tagged(_, _, let tag) = self {
            cursor.append(Self.tagName)
            tag.writeDigits(into: &cursor)
            cursor.append(Self.tagClosing)
        }
        cursor.append(AnswerBody.valueEnd)
    }
}

/// Makes results of outcomes.
private struct BatchResultBuilder {
    private let maximumBytes: Int
    private(set) var results: [BatchResult] = []
    private(set) var count = BatchResults.opening.utf8CodeUnitCount
    private(set) var tooLargeCount = 0
    private(set) var isDegraded = false
    private var sources: (first: CacheSource, isOnly: Bool)?
    /// A value had no room.
    private var isFull = false
    /// Neighbours that are counted as one.
    private var run: (operation: CacheOperation, source: CacheSource, result: OperationResult, count: Int)?

    init(maximumBytes: Int, capacity: Int) {
        self.maximumBytes = maximumBytes
        self.results.reserveCapacity(capacity)
    }

    var source: CacheSource? { self.sources.flatMap { $0.isOnly ? $0.first : nil } }

    mutating func add(
        _ operation: BatchOperation, _ outcome: BatchOutcome, _ record: (CacheOperation, CacheSource, OperationResult, Int) -> Void
    ) {
        switch outcome {
        case .answered(let answer):
            self.note(answer.source)
            let (result, counted) = Self.result(of: operation, answer)
            self.count(operation.operation, answer.source, counted, record)
            self.append(result, operation.key)
        case .valueDropped(let source):
            self.note(source)
            self.count(operation.operation, source, .hit, record)
            self.appendTooLarge(operation.key)
        case .waiting:
            // Nothing waits once the batch is answered; should it do so all the same, the client learns that it did not work out.
            self.append(.failure(.internalServerError, key: operation.key, detail: "Internal Server Error"), operation.key)
        }
    }

    private static func result(of operation: BatchOperation, _ outcome: CacheAnswer) -> (BatchResult, OperationResult) {
        let answer: Answer =
            switch operation.kind {
            case .set(_, let ttlSeconds): .store(operation.key, ttlSeconds: ttlSeconds, outcome)
            case .expire(let ttlSeconds): .expire(operation.key, ttlSeconds: ttlSeconds, outcome)
            case .get, .delete: .untaggedLookup(operation.key, outcome)
            }
        var tagged: CachedValue?
        if operation.wantsEntityTag, case .hit(let value, _, _) = outcome { tagged = value }
        return (BatchResult(operation.key, answer, tagged: tagged), answer.result)
    }

    private mutating func append(_ result: BatchResult, _ key: ByteBuffer) {
        let count = result.count + (self.results.isEmpty ? 0 : 1)
        if result.value != nil, self.isFull || self.count + count + BatchResults.closing.utf8CodeUnitCount > self.maximumBytes {
            return self.appendTooLarge(key)
        }
        self.count += count
        self.results.append(result)
    }

    private mutating func appendTooLarge(_ key: ByteBuffer) {
        self.isFull = true
        self.tooLargeCount += 1
        self.append(.failure(.contentTooLarge, key: key, detail: "The answer to the batch is too large; ask for fewer values at once"), key)
    }

    private mutating func note(_ source: CacheSource) {
        self.isDegraded = self.isDegraded || source.isDegraded
        guard let sources = self.sources else {
            self.sources = (source, true)
            return
        }
        if sources.isOnly, sources.first != source { self.sources?.isOnly = false }
    }

    private mutating func count(
        _ operation: CacheOperation, _ source: CacheSource, _ result: OperationResult,
        _ record: (CacheOperation, CacheSource, OperationResult, Int) -> Void
    ) {
        if let run, run.operation == operation, run.source == source, run.result == result {
            self.run?.count += 1
        } else {
            self.recordRun(record)
            self.run = (operation, source, result, 1)
        }
    }

    mutating func recordRun(_ record: (CacheOperation, CacheSource, OperationResult, Int) -> Void) {
        if let run { record(run.operation, run.source, run.result, run.count) }
        self.run = nil
    }
}

extension Answer {
    /// The answer to a batch.
    package static func batch(_ results: BatchResults) -> Answer {
        var answer = Answer(.ok, .batch(results))
        answer.cacheStatus = CacheStatus(outcome: .read, source: results.source)
        answer.source = results.source
        return answer
    }
}
