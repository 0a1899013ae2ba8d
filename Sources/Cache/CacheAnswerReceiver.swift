/// Whoever asked the cache and did not get the answer at once.
///
/// A class-bound protocol and a token instead of a closure: a pending operation then costs no allocation.
package protocol CacheAnswerReceiver: AnyObject {
    /// Called once for each operation that returned nil, on the event loop that asked, after that call has returned.
    /// - Parameter token: what the asker gave with the operation.
    func cacheAnswered(_ answer: CacheAnswer, token: UInt64)
}
