/// Where a head says which trace its request belongs to.
package enum TraceField: Equatable {
    /// The value of `traceparent`.
    case traceparent(Range<Int>)
    /// The value of `X-Cloud-Trace-Context`.
    case cloudTraceContext(Range<Int>)
}
