/// What the recogniser says of the bytes at the head of a connection.
package enum Recognition: Equatable {
    /// The head is not complete and so far canonical: more bytes decide.
    case incompleteHead
    /// A canonical request for a key; it may still lack bytes of its body.
    case key(KeyRequest)
    /// Another request whose end is beyond doubt, with `headCount` bytes of head.
    case other(headCount: Int)
    /// A request that only the codec can frame, or refuse.
    case notFramable
}
