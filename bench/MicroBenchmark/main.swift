// Times one part of the hot path: MicroBenchmark list | CASE [REPETITIONS]. `bench/micro` runs them all and counts instructions too.

let arguments = CommandLine.arguments.dropFirst()
let cases = Parts.all + LaneParts.all
switch arguments.first {
case nil, "list":
    for part in cases { print(part.name, part.repetitions) }
case let name?:
    guard let part = cases.first(where: { $0.name == name }) else {
        print("no such case: \(name)")
        break
    }
    let repetitions = arguments.dropFirst().first.flatMap { Int($0) } ?? part.repetitions
    let clock = ContinuousClock()
    let elapsed = clock.measure { part.run(repetitions) }
    print(elapsed / .nanoseconds(1) / Double(repetitions))
}
