import JSON
import NIOCore
import Testing

@testable import CacheAPI

/// The answers of this service against recorded ones of FastAPI and Pydantic, byte for byte.
@Suite struct ReferenceAnswerTests {
    @Test func answersAsRecorded() throws {
        let recording = try ReferenceAnswer.load()
        #expect(recording.count >= 400)
        for recorded in recording {
            let ours = answer(to: recorded)
            let difference = IntendedDifference.all.first { $0.path == recorded.path && $0.body == recorded.body }
            // The time to live of the recording may be 0, which is no expiration here as there.
            let reference = ReferenceAnswer.Answer(
                status: recorded.constrained.status,
                answer: recorded.constrained.answer.replacing(#""ttl":0}"#, with: #""ttl":null}"#)
            )
            if let difference {
                #expect(ours == difference.expected(insteadOf: reference), "\(recorded)")
                #expect(ours != reference, "not a difference any more: \(recorded)")
            } else {
                #expect(ours == reference, "\(recorded)")
            }
        }
    }

    @Test func everyIntendedDifferenceIsRecorded() throws {
        let recording = try ReferenceAnswer.load()
        for difference in IntendedDifference.all {
            #expect(recording.contains { $0.path == difference.path && $0.body == difference.body }, "\(difference)")
        }
    }

    /// What the limits change for the clients of the service that came before: what it took and then failed on or could not return is now
    /// refused, for four reasons; `dry_run` is new. Everything else is as it was.
    @Test func limitsOnlyAddFaults() throws {
        let added = ["greater_than_equal", "less_than_equal", "string_too_short", "string_too_long", "bool_type", "bool_parsing"]
        let changed = try ReferenceAnswer.load().filter { $0.constrained != $0.original }
        #expect(changed.count > 20)
        for recorded in changed {
            if recorded.constrained.status == 200 {
                #expect(recorded.path == "/cache/invalidate")
                #expect(recorded.constrained.answer.hasPrefix(recorded.original.answer.dropLast()))
            } else if recorded.constrained.status == 422 {
                #expect(added.contains { recorded.constrained.answer.contains(#""type":"\#($0)""#) }, "\(recorded)")
            } else {
                // Pydantic's report holds infinity or half a surrogate pair, which Starlette cannot write.
                #expect(recorded.path == "/cache/invalidate" && recorded.constrained.status == 500, "\(recorded)")
            }
        }
    }
}

/// The answer of this service in the form of the recording.
func answer(to recorded: ReferenceAnswer) -> ReferenceAnswer.Answer {
    let body = ByteBuffer(bytes: recorded.body)
    var buffer = ByteBuffer()
    switch recorded.path {
    case "/cache":
        switch SetRequest.parse(body: body, limits: RequestLimits()) {
        case .success(let command):
            buffer.writeStaticString(#"{"key":"#)
            JSONWriter.writeString(command.key, into: &buffer)
            buffer.writeStaticString(#","ttl":"#)
            if let ttl = command.ttl { JSONWriter.writeInteger(ttl, into: &buffer) } else { buffer.writeStaticString("null") }
            buffer.writeStaticString("}")
            return ReferenceAnswer.Answer(status: 200, answer: String(buffer: buffer))
        case .faults(let faults):
            writeFaults(faults, into: &buffer)
            return ReferenceAnswer.Answer(status: 422, answer: String(buffer: buffer))
        case .valueTooLarge(let limit):
            return ReferenceAnswer.Answer(status: 413, answer: String(limit))
        }
    default:
        switch InvalidateRequest.parse(body: body, limits: RequestLimits()) {
        case .tag(let tag):
            return ReferenceAnswer.Answer(status: 200, answer: String(buffer: tag))
        case .pattern(let command):
            buffer.writeStaticString(#"{"pattern":"#)
            JSONWriter.writeString(command.pattern, into: &buffer)
            buffer.writeStaticString(#","dry_run":"#)
            buffer.writeString(String(command.dryRun))
            buffer.writeStaticString("}")
            return ReferenceAnswer.Answer(status: 200, answer: String(buffer: buffer))
        case .faults(let faults):
            writeFaults(faults, into: &buffer)
            return ReferenceAnswer.Answer(status: 422, answer: String(buffer: buffer))
        }
    }
}
