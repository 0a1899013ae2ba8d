/// How long a test waits for what must come: far beyond what it takes on any machine, so that only what never comes is missed.
package let patience = Duration.seconds(120)

/// Tries again and again until the condition holds.
///
/// - Throws: if it does not hold in time; the text says what was waited for, and where.
package func eventually(
    _ expected: String, fileID: String = #fileID, line: Int = #line, _ condition: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + patience
    while try await !condition() {
        guard ContinuousClock.now < end else { throw TestProcessError(reason: "\(fileID):\(line): not within \(patience): \(expected)") }
        // Many tests wait at the same time, and so does the program under test for the processor.
        try await Task.sleep(for: .milliseconds(2))
    }
}

/// Asks again and again until the answer is the expected one.
///
/// - Returns: that answer.
package func eventually<Answer>(
    _ expected: String, fileID: String = #fileID, line: Int = #line, ask: () async throws -> Answer, until isExpected: (Answer) -> Bool
) async throws -> Answer {
    var answer = try await ask()
    try await eventually(expected, fileID: fileID, line: line) {
        if isExpected(answer) { return true }
        answer = try await ask()
        return isExpected(answer)
    }
    return answer
}
