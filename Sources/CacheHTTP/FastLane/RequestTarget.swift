/// The methods that the recogniser tells apart.
package enum RequestMethod: Equatable {
    case get, post, delete
    /// Any other method: framed, never answered by the lane.
    case other
}

/// The targets that the recogniser tells apart.
enum RequestTarget: Equatable {
    /// `/cache/{key}`.
    case key(TargetKey)
    /// `/cache`.
    case collection
    /// Anything else.
    case other
}

/// The key of a target, still percent-encoded where `isEncoded`.
package struct TargetKey: Equatable {
    package let range: Range<Int>
    package let isEncoded: Bool

    static let empty = TargetKey(range: 0..<0, isEncoded: false)
}
