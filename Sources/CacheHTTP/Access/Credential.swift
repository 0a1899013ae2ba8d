import Access
import HTTPTypes
import NIOCore

/// The secret that a request shows.
enum Credential {
    case none
    /// In `X-API-Key`.
    case key(String)
    /// As `Authorization: Bearer`.
    case bearer(String)
    /// One that cannot be judged. Two credentials are none: which of them would count?
    case unusable

    init(_ fields: HTTPFields) {
        let keys = fields[values: AnswerFieldName.apiKeyName]
        let authorizations = fields[values: .authorization]
        switch (keys.count, authorizations.count) {
        case (0, 0): self = .none
        case (1, 0): self = keys[0].isEmpty ? .unusable : .key(keys[0])
        case (0, 1): self = Self.bearer(of: authorizations[0]).map { .bearer($0) } ?? .unusable
        default: self = .unusable
        }
    }

    /// The secret itself; nil where there is none to judge.
    var secret: String? {
        switch self {
        case .none, .unusable: nil
        case .key(let secret), .bearer(let secret): secret
        }
    }

    /// Who asks, as far as is known at once.
    func caller(_ control: AccessControl, now: Int) -> AccessCaller {
        switch self {
        case .none: return .anonymous
        case .unusable: return .unknown
        case .key(var secret), .bearer(var secret): return secret.withUTF8 { control.caller(UnsafeRawBufferPointer($0), now: now).caller }
        }
    }

    private static let scheme: StaticString = "bearer "

    /// Where the secret stands in a value of `Authorization`; nil where the scheme is another one.
    static func bearerRange(_ value: UnsafeRawBufferPointer) -> Range<Int>? {
        let count = self.scheme.utf8CodeUnitCount
        guard value.count > count else { return nil }
        for index in 0..<count where ByteClass.lowercased(value[index]) != self.scheme.utf8Start[index] { return nil }
        return count..<value.count
    }

    private static func bearer(of value: String) -> String? {
        var value = value
        return value.withUTF8 { bytes in
            self.bearerRange(UnsafeRawBufferPointer(bytes)).map { String(decoding: bytes[$0], as: UTF8.self) }
        }
    }
}
