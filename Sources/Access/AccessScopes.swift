/// What a caller may do, as a set.
package struct AccessScopes: OptionSet, Sendable, Hashable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// Get.
    package static let read = AccessScopes(rawValue: 1)
    /// Set and delete.
    package static let write = AccessScopes(rawValue: 2)
    /// Delete by pattern, and count what that would delete.
    package static let invalidate = AccessScopes(rawValue: 4)
    /// Statistics, metrics, and the dashboard's figures.
    package static let admin = AccessScopes(rawValue: 8)

    package static let all: AccessScopes = [.read, .write, .invalidate, .admin]

    private static let names: [(name: String, scope: AccessScopes)] = [
        ("read", .read), ("write", .write), ("invalidate", .invalidate), ("admin", .admin), ("all", .all),
    ]

    /// Reads names separated by commas; nil if one is unknown or there is none.
    package init?(names text: some StringProtocol) {
        var scopes: AccessScopes = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let known = Self.names.first(where: { $0.name == part }) else { return nil }
            scopes.formUnion(known.scope)
        }
        self = scopes
    }

    /// The name of a single scope, as an answer tells it.
    package var name: String {
        Self.names.first { $0.scope == self }?.name
            ?? Self.names.filter { $0.scope != .all && self.contains($0.scope) }.map(\.name).joined(separator: ",")
    }
}
