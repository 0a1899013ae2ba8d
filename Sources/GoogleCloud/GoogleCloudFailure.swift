/// What can go wrong with a question to Google.
package enum GoogleCloudFailure: Error {
    /// The status of an answer that is not 200.
    case status(Int)
    /// The answer is not what it should be.
    case unreadable
    /// There are no signing keys, and none can be had at the moment.
    case noSigningKeys
}
