// Compares eviction policies, or measures the store:
//   swift run -c release EvictionSimulation              the table of hit ratios in docs/decisions/0001-eviction-policy.md
//   swift run -c release EvictionSimulation throughput   speed
//   swift run -c release EvictionSimulation entry-memory resident bytes of an entry beside key and value
//   swift run -c release EvictionSimulation entry-memory-full  the same in a store at its bound
//   swift run -c release EvictionSimulation longest      longest step under a lock
//   swift run -c release EvictionSimulation resident     resident memory against the bound, written by one thread
//   swift run -c release EvictionSimulation resident2    the same, written by two threads

switch CommandLine.arguments.dropFirst().first {
case nil: HitRatioTable.print()
case "throughput": await Throughput.print()
case "entry-memory": EntryMemory.print()
case "entry-memory-full": EntryMemory.printAtBound()
case "longest": Throughput.printLongestStep()
case "resident": await Throughput.printResidentMemory(threads: 1)
case "resident2": await Throughput.printResidentMemory(threads: 2)
default: print("usage: EvictionSimulation [throughput | entry-memory | entry-memory-full | longest | resident | resident2]")
}
