import TestSupport

/// What goes wrong in one trial of leases and tags over two instances, made from a seed: the same seed gives the same schedule.
struct LeaseSchedule: Hashable, Sendable {
    static let instances = 2

    let seed: UInt64
    /// Whether Redis may take its time: then most answers are its own also on a busy machine. Otherwise many deadlines are missed.
    let isPatient: Bool
    let steps: [FaultSchedule.Step]
    /// Of a hundred operations of a client, how many change something without a lease: few, so that leases and copies live, or many.
    let changes: Int
    /// The same while something is wrong: what is few then lives from fault to fault.
    let changesInFaults: Int

    init(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        self.seed = seed
        self.isPatient = Int.random(in: 0..<3, using: &random) > 0
        self.steps = (0..<Int.random(in: 3...6, using: &random)).map { _ in
            let pause = Int.random(in: 30...(Bool.random(using: &random) ? 100 : 400), using: &random)
            // Too short for an outage, or long enough for one.
            let limit = Int.random(in: 0..<3, using: &random) == 0 ? 100 : 700
            return FaultSchedule.Step(
                pauseMilliseconds: pause, fault: Self.fault(&random), durationMilliseconds: Int.random(in: 10...limit, using: &random))
        }
        self.changes = Int.random(in: 0..<4, using: &random) > 0 ? 30 : 5
        self.changesInFaults = Int.random(in: 0..<4, using: &random) > 0 ? 2 : 30
    }

    private static func fault(_ random: inout SplitMix64) -> FaultSchedule.Fault {
        let one = Int.random(in: 0..<Self.instances, using: &random)
        let some = Int.random(in: 0..<3, using: &random) == 0 ? nil : one
        let delay = ProxyFault.delay(
            toServerMilliseconds: Int.random(in: 0...300, using: &random), toClientMilliseconds: Int.random(in: 0...100, using: &random))
        return switch Int.random(in: 0..<16, using: &random) {
        case 0, 1: .restart
        case 2: .restartEmpty
        case 3: .stop
        case 4, 5, 6: .network(.cut, instance: some)
        case 7, 8: .network(.blackHole, instance: some)
        case 9: .network(.halfClose, instance: some)
        case 10: .network(delay, instance: some)
        case 11: .connection(.blackHole, instance: one)
        case 12: .connection(delay, instance: one)
        case 13: .outOfMemory
        default: .readOnly
        }
    }
}
