/// Round trips to Redis against the time that the service allows for a command.
enum LatencyCheck {
    /// - Parameters:
    ///   - times: of the round trips that were answered, in any order.
    ///   - lost: how many were not answered.
    ///   - deadlineMilliseconds: `REDIS_DEADLINE_MS`.
    static func finding(_ times: [Duration], lost: Int, deadlineMilliseconds: Int) -> Finding {
        let sorted = times.sorted()
        guard let median = self.percentile(50, of: sorted), let high = self.percentile(99, of: sorted), let maximum = sorted.last, lost == 0 else {
            return .fault(.latency, "\(lost) of \(times.count + lost) PINGs were not answered", "Look at the load of Redis and at the network.")
        }
        let deadline = Duration.milliseconds(deadlineMilliseconds)
        let text = "\(times.count) PINGs: p50 \(median.milliseconds), p99 \(high.milliseconds), max \(maximum.milliseconds)"
        let late = sorted.count { $0 >= deadline }
        if median >= deadline {
            return .fault(
                .latency, "\(text); more than half take longer than REDIS_DEADLINE_MS (\(deadlineMilliseconds) ms)",
                "Bring Redis nearer (same region and zone), or raise REDIS_DEADLINE_MS: nearly every command would be answered from memory.")
        }
        if late > 0 || high * 2 >= deadline {
            return .warning(
                .latency, "\(text); \(late) of them REDIS_DEADLINE_MS (\(deadlineMilliseconds) ms) or longer",
                "Bring Redis nearer, or raise REDIS_DEADLINE_MS: a command that takes longer is answered from memory.")
        }
        return .ok(.latency, "\(text); REDIS_DEADLINE_MS is \(deadlineMilliseconds) ms")
    }

    /// By nearest rank.
    static func percentile(_ percent: Int, of sorted: [Duration]) -> Duration? {
        guard !sorted.isEmpty else { return nil }
        return sorted[max(0, (sorted.count * percent + 99) / 100 - 1)]
    }
}
