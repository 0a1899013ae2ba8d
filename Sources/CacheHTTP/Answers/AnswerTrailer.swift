/// What every answer carries, whatever it says: known only when it leaves.
struct AnswerTrailer {
    /// The request's id.
    let requestID: RequestID
    /// From the request's first byte to the answer, in nanoseconds.
    let processNanoseconds: Int
    /// The value of the `Date` field; nil where the server sets it, in the place that an empty value keeps.
    let date: DateField.Text?

    /// Whether the fields for browsers depend on who asks, so that caches must keep the answers apart.
    var variesByOrigin = false

    /// Appends the date.
    func writeDate(into cursor: inout ByteCursor) {
        guard let date = self.date else { return }
        withUnsafeBytes(of: date) { cursor.append($0) }
    }
}
