/// Why the service could not start, in words for the operator.
struct StartFailure: Error {
    let message: String
}
