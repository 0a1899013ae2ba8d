/// An answer as it stood on the wire.
package struct WireResponse: Sendable, Equatable {
    package var statusLine: String
    /// In the order and spelling of the wire.
    package var fields: [Field]
    package var body: [UInt8]

    package init(statusLine: String = "", fields: [Field] = [], body: [UInt8] = []) {
        self.statusLine = statusLine
        self.fields = fields
        self.body = body
    }

    package struct Field: Sendable, Equatable {
        package let name: String
        package let value: String

        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    package var status: Int { Int(self.statusLine.split(separator: " ").dropFirst().first ?? "") ?? 0 }
    package var text: String { String(decoding: self.body, as: UTF8.self) }

    /// The value of the one field `name`; nil if there is none or more than one.
    package subscript(name: String) -> String? {
        let found = self.fields.filter { $0.name.lowercased() == name.lowercased() }
        return found.count == 1 ? found[0].value : nil
    }

    /// The answer with the fields that may differ from answer to answer made equal.
    package var normalised: WireResponse { self.normalised(asAnswerTo: "") }

    /// The same, but for an id that the request brought, which is no made one.
    package func normalised(asAnswerTo request: String) -> WireResponse {
        var copy = self
        copy.fields = self.fields.map { field in
            switch field.name.lowercased() {
            case "date", "x-process-time": Field(name: field.name, value: "*")
            case "x-request-id" where field.value.wholeMatch(of: #/[0-9a-f]{32}/#) != nil && !request.contains(field.value):
                Field(name: field.name, value: "*")
            // Two programs are asked one after the other, and time goes on; whether one has a copy of an earlier read depends on who asked it before.
            case "cache-status":
                Field(
                    name: field.name,
                    value: field.value.replacing(#/ttl=\d+/#, with: "ttl=*").replacing(#/detail=near/#, with: "detail=redis"))
            default: field
            }
        }
        return copy
    }
}
