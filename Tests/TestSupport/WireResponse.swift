/// An answer as it stood on the wire.
package struct WireResponse: Sendable, Equatable {
    package var statusLine: String
    /// In the order and spelling of the wire.
    package var fields: [Field]
    package var body: [UInt8]

    package struct Field: Sendable, Equatable {
        package let name: String
        package let value: String
    }

    package var status: Int { Int(self.statusLine.split(separator: " ").dropFirst().first ?? "") ?? 0 }
    package var text: String { String(decoding: self.body, as: UTF8.self) }

    /// The value of the one field `name`; nil where there is none or more than one.
    package subscript(name: String) -> String? {
        let found = self.fields.filter { $0.name.lowercased() == name.lowercased() }
        return found.count == 1 ? found[0].value : nil
    }

    /// The answer with the fields that may differ from answer to answer made equal.
    package var normalised: WireResponse {
        var copy = self
        copy.fields = self.fields.map { field in
            switch field.name.lowercased() {
            case "date", "x-process-time", "x-request-id": Field(name: field.name, value: "*")
            default: field
            }
        }
        return copy
    }
}
