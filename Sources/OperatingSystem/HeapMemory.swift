import CMalloc

/// The allocator's own memory.
package enum HeapMemory {
    /// Gives memory that is free but kept by the allocator back to the system (malloc_trim(3)). Takes milliseconds for a large heap, and other
    /// threads wait for their allocations meanwhile: only for after a peak. Does nothing without glibc.
    package static func giveBack() {
        #if os(Linux)
        _ = malloc_trim(0)
        #endif
    }
}
