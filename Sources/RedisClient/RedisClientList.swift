/// The answer to `CLIENT LIST`: a line for each connection, with fields `name=value` separated by spaces.
enum RedisClientList {
    /// The connections that carry this name.
    static func identifiers(in text: String, named clientName: String) -> [Int64] {
        text.split(whereSeparator: \.isNewline).compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.contains("name=\(clientName)"), let field = fields.first(where: { $0.hasPrefix("id=") }) else {
                return nil
            }
            return Int64(field.dropFirst(3))
        }
    }
}
