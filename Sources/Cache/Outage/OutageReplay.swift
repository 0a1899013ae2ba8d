import MemoryStore

/// The replay of a journal, as a value: what is to be done to Redis next, and what follows when it is done. `OutageStateMachine` says when.
///
/// What concerns more than single keys comes before any key is asked of Redis. A record leaves the journal only here, when Redis has replied.
struct OutageReplay {
    /// Keys that are settled in one step.
    static let keysPerStep = 500

    /// The version of the pattern that is being deleted.
    private var patternVersion: UInt64 = 0
    /// Entries that are restored in one step: one, after a connection ended over several, so that the value that ends it is found.
    private var entriesPerRestore = OutageReplay.keysPerStep
    private let isRestoring: Bool
    /// Whether the log has said that Redis refuses something of this outage.
    private var refusalIsLogged = false

    init(_ settings: OutageSettings) {
        self.isRestoring = settings.writes == .restore
    }

    /// An outage begins.
    mutating func begin() {
        self.refusalIsLogged = false
    }

    // MARK: What is next

    /// - Returns: nil if only keys are left.
    mutating func sharedStep(_ journal: inout OutageJournal) -> (OutageStateMachine.State, RecoveryStep)? {
        if journal.mustPurge {
            journal.beginPurge()
            return (.deletingEverything, .deleteEverything)
        }
        guard let pattern = journal.patterns.first else { return nil }
        self.patternVersion = pattern.version
        return (.deletingPattern, .deletePattern(pattern.bytes))
    }

    /// - Returns: nil if no key can be settled now.
    func keyStep(_ journal: OutageJournal) -> RecoveryStep? {
        let entries = journal.entries(limit: self.isRestoring ? self.entriesPerRestore : Self.keysPerStep)
        guard !entries.isEmpty else { return nil }
        return self.isRestoring ? .restoreKeys(entries) : .deleteKeys(entries)
    }

    // MARK: What was done

    /// - Parameter isRefused: whether Redis kept keys that the user may not delete.
    mutating func everythingDeleted(isRefused: Bool, _ journal: inout OutageJournal, _ counters: inout OutageCounters) -> [OutageNotice] {
        journal.endPurge()
        counters.purged()
        return isRefused ? self.noteRefusedPattern(&counters) : []
    }

    /// - Parameter isRefused: whether Redis kept keys that the user may not delete, or does not let the user look for them.
    mutating func patternDeleted(isRefused: Bool, _ journal: inout OutageJournal, _ counters: inout OutageCounters) -> [OutageNotice] {
        journal.settle(patternVersion: self.patternVersion)
        guard !isRefused else { return self.noteRefusedPattern(&counters) }
        counters.replayedPattern()
        return []
    }

    /// - Returns: what the log says, and the keys that have left the journal.
    mutating func settled(
        _ settlement: Settlement, _ journal: inout OutageJournal, _ counters: inout OutageCounters
    ) -> (notices: [OutageNotice], forgotten: [[UInt8]]) {
        var notices: [OutageNotice] = []
        var forgotten: [[UInt8]] = []
        for entry in settlement.settled {
            if let refusal = entry.refusal {
                counters.refusedKeys[refusal, default: 0] += 1
                notices += self.noteRefusal(&counters)
            } else {
                counters.replayedKey()
            }
            if journal.settle(entry) { forgotten.append(entry.key) }
        }
        for entry in settlement.refusedValues {
            if let refusal = entry.refusal { journal.refuseValue(entry, refusal) }
        }
        if settlement.failure == nil { self.entriesPerRestore = min(2 * self.entriesPerRestore, Self.keysPerStep) }
        return (notices, forgotten)
    }

    /// The connection ended over values.
    mutating func interrupted(_ values: [OutageJournal.Entry], _ journal: inout OutageJournal) {
        self.entriesPerRestore = 1
        // A server that hangs up on what it does not like may do so before its reply has arrived.
        if values.count == 1 { journal.connectionEnded(over: values[0]) }
    }

    private mutating func noteRefusedPattern(_ counters: inout OutageCounters) -> [OutageNotice] {
        counters.refusedPatterns += 1
        return self.noteRefusal(&counters)
    }

    private mutating func noteRefusal(_ counters: inout OutageCounters) -> [OutageNotice] {
        counters.replay?.refused += 1
        defer { self.refusalIsLogged = true }
        return self.refusalIsLogged ? [] : [.refused]
    }
}
