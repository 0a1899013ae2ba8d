import Cache
import MemoryStore
import NIOCore

/// Writes how Redis is as the member `redis` of `GET /health`.
struct OutageText {
    /// The same moment on both clocks.
    let now: MonotonicTime
    let wallClock: (seconds: Int, microseconds: Int)

    func write(_ report: OutageReport, refusedCommands: [String], into body: inout ByteBuffer) {
        body.writeString("{\"state\":\"\(report.state.rawValue)\",\"since\":")
        self.writeTime(report.since, into: &body)
        if let reason = report.reason {
            body.writeString(",\"reason\":\"\(reason.code)\",\"detail\":\"\(reason.sentence)\"")
        } else {
            body.writeStaticString(",\"reason\":null,\"detail\":null")
        }
        self.writeJournal(report, into: &body)
        body.writeStaticString(",\"last_replay\":")
        if let replay = report.lastReplay {
            self.writeReplay(replay, into: &body)
        } else {
            body.writeStaticString("null")
        }
        body.writeStaticString(",\"refused_commands\":[")
        body.writeString(refusedCommands.map { "\"\($0)\"" }.joined(separator: ","))
        body.writeStaticString("]}")
    }

    private func writeJournal(_ report: OutageReport, into body: inout ByteBuffer) {
        let age = report.journalOldest.map { self.now.milliseconds - $0.milliseconds } ?? 0
        body.writeString(
            ",\"journal\":{\"keys\":\(report.journalKeys),\"patterns\":\(report.journalPatterns),\"bytes\":\(report.journalBytes),\"age_seconds\":")
        JSONWriter.writeDecimal(age, scale: 3, into: &body)
        body.writeString(",\"delete_everything\":\(report.mustPurge)}")
    }

    private func writeReplay(_ replay: OutageReport.Replay, into body: inout ByteBuffer) {
        body.writeStaticString("{\"ended\":")
        self.writeTime(replay.end, into: &body)
        body.writeString(",\"duration_ms\":\(replay.durationMilliseconds),\"keys\":\(replay.keys),\"patterns\":\(replay.patterns)")
        body.writeString(",\"refused\":\(replay.refused),\"deleted_everything\":\(replay.isPurge)}")
    }

    private func writeTime(_ time: MonotonicTime, into body: inout ByteBuffer) {
        let microseconds = self.wallClock.seconds * 1_000_000 + self.wallClock.microseconds - Int(self.now.milliseconds - time.milliseconds) * 1000
        body.writeStaticString("\"")
        body.append(maximumCount: 32) {
            CivilTime(secondsSince1970: microseconds / 1_000_000).writeISO8601(microseconds: microseconds % 1_000_000, into: &$0)
        }
        body.writeStaticString("\"")
    }
}
