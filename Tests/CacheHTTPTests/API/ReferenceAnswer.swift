import Foundation
import Testing

/// One recorded answer of FastAPI and Pydantic. See Fixtures/record-reference-answers.py.
struct ReferenceAnswer: Decodable, Sendable, CustomTestStringConvertible {
    struct Answer: Decodable, Equatable {
        let status: Int
        let answer: String
    }

    private enum CodingKeys: CodingKey {
        case path, body, hex, original, constrained
    }

    let path: String
    let body: [UInt8]
    /// The service that came before.
    let original: Answer
    /// The same with the limits of this service declared as constraints.
    let constrained: Answer

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.path = try container.decode(String.self, forKey: .path)
        if let hex = try container.decodeIfPresent(String.self, forKey: .hex) {
            let digits = hex.compactMap(\.hexDigitValue)
            self.body = stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
        } else {
            self.body = Array(try container.decode(String.self, forKey: .body).utf8)
        }
        self.original = try container.decode(Answer.self, forKey: .original)
        self.constrained = try container.decodeIfPresent(Answer.self, forKey: .constrained) ?? self.original
    }

    var testDescription: String {
        "\(self.path) \(String(decoding: self.body.prefix(80), as: UTF8.self))"
    }

    static func load() throws -> [ReferenceAnswer] {
        let url = try #require(Bundle.module.url(forResource: "reference-answers", withExtension: "json", subdirectory: "Fixtures"))
        return try JSONDecoder().decode([ReferenceAnswer].self, from: Data(contentsOf: url))
    }
}
