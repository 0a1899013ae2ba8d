import Testing

@testable import Cache

/// Every interleaving of two event loops, two nodes, a slot that moves between them and one foreign writer, up to a bound: three reads and one
/// foreign write.
struct SlotMoveModelTests {
    private struct Program {
        let way: SlotMoveModel.Move
        let value: Int
        let refreshes: Int
    }

    /// A slot that is taken without its keys is noticed by asking who serves what. One that moves with them need not be.
    private static let programs = [
        Program(way: .withKeys, value: 0, refreshes: 0),
        Program(way: .withKeys, value: 1, refreshes: 0),
        Program(way: .withKeys, value: 0, refreshes: 1),
        Program(way: .withoutKeys, value: 0, refreshes: 1),
        Program(way: .withoutKeys, value: 1, refreshes: 1),
    ]

    @Test func noCopyIsStaleForLong() {
        for program in Self.programs {
            let result = Self.search(program, without: nil)
            #expect(result.fault == nil, "\(program)")
            #expect(result.states > 500, "\(program)")
        }
    }

    /// Nobody tells of an absence that ends at the new owner: only the raised epoch ends it once the move is known, and only its short life before.
    @Test(arguments: SlotMoveModel.Rule.allCases)
    func eachRuleIsNeeded(_ rule: SlotMoveModel.Rule) {
        let faults = Self.programs.lazy.compactMap { Self.search($0, without: rule).fault }
        #expect(faults.first != nil)
    }

    /// See `CoherenceModelTests.search`.
    private static func search(_ program: Program, without: SlotMoveModel.Rule?) -> (fault: [SlotMoveModel.Step]?, states: Int) {
        let parts = SlotMoveModel.Parts()
        func model(after steps: [SlotMoveModel.Step]) -> SlotMoveModel {
            var model = SlotMoveModel(
                program.way, value: program.value, foreignWrites: 1, refreshes: program.refreshes, without: without, parts: parts)
            for step in steps { model.take(step) }
            return model
        }
        var seen: Set<AnyHashable> = []
        var pending: [[SlotMoveModel.Step]] = [[]]
        while let steps = pending.popLast() {
            let model = model(after: steps)
            guard !model.isStaleAtRest else { return (steps, seen.count) }
            guard seen.insert(model.fingerprint).inserted else { continue }
            for step in model.steps { pending.append(steps + [step]) }
        }
        return (nil, seen.count)
    }
}
