import NIOCore

/// What every answer carries, whatever it says: known only when it leaves.
struct AnswerTrailer {
    /// The request's id.
    let requestID: RequestID
    /// From the request's first byte to the answer, in nanoseconds.
    let processNanoseconds: Int
    /// The value of the `Date` field.
    let date: ByteBuffer
}
