import Access
import HTTPTypes
import NIOCore

/// The secret that a request shows: in `X-API-Key`, or as `Authorization: Bearer`.
enum Credential {
    private static let scheme: StaticString = "bearer "

    /// Where the secret stands in a value of `Authorization`; nil where the scheme is another one.
    static func bearerRange(_ value: UnsafeRawBufferPointer) -> Range<Int>? {
        let count = self.scheme.utf8CodeUnitCount
        guard value.count > count else { return nil }
        for index in 0..<count where ByteClass.lowercased(value[index]) != self.scheme.utf8Start[index] { return nil }
        return count..<value.count
    }

    /// Who asks, by the fields of a head. Two credentials are none: which of them would count?
    static func caller(_ fields: HTTPFields, _ control: AccessControl?) -> AccessCaller {
        guard let control else { return .anybody }
        let keys = fields[values: AnswerFieldName.apiKeyName]
        let authorizations = fields[values: .authorization]
        switch (keys.count, authorizations.count) {
        case (0, 0): return .anonymous
        case (1, 0): return self.caller(keys[0], control) { 0..<$0.count }
        case (0, 1): return self.caller(authorizations[0], control, self.bearerRange)
        default: return .unknown
        }
    }

    private static func caller(_ text: String, _ control: AccessControl, _ range: (UnsafeRawBufferPointer) -> Range<Int>?) -> AccessCaller {
        var text = text
        return text.withUTF8 { bytes in
            let bytes = UnsafeRawBufferPointer(bytes)
            guard let range = range(bytes), !range.isEmpty else { return .unknown }
            return control.caller(UnsafeRawBufferPointer(rebasing: bytes[range]))
        }
    }
}
