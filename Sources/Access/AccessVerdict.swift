/// What becomes of a request.
package enum AccessVerdict: Hashable, Sendable {
    case allowed
    /// No credential came, and one is needed: 401.
    case unauthenticated
    /// A credential came that is not known, or not any more: 401.
    case rejected
    /// A token came that cannot be checked now: 503.
    case undecided
    /// The caller is known and may not do this: 403.
    case forbidden(AccessScopes)
    /// The caller may do this, but not with that key: 403.
    case outsidePrefix
}
