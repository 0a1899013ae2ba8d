/// Where a head shows a credential.
enum CredentialField: Equatable {
    /// The value of `X-API-Key`.
    case key(Range<Int>)
    /// The value of `Authorization`.
    case authorization(Range<Int>)
    /// More than one: the router's to judge, where it matters.
    case several
}
