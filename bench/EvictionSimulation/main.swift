// Compares eviction policies, or measures the store:
//   swift run -c release EvictionSimulation              the table of hit ratios in docs/decisions/0001-eviction-policy.md
//   swift run -c release EvictionSimulation throughput   speed, overhead of an entry
//   swift run -c release EvictionSimulation resident     resident memory against the bound, written by one thread
//   swift run -c release EvictionSimulation resident2    the same, written by two threads

switch CommandLine.arguments.dropFirst().first {
case nil: HitRatioTable.print()
case "throughput": await Throughput.print()
case "resident": await Throughput.printResidentMemory(threads: 1)
case "resident2": await Throughput.printResidentMemory(threads: 2)
default: print("usage: EvictionSimulation [throughput | resident | resident2]")
}
