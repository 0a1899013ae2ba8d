/// What one check of the configuration found, in words for the operator. Holds no secret and no text of the server.
struct Finding: Hashable, Sendable, Encodable {
    enum Outcome: String, Sendable, Encodable {
        case ok
        /// The service works, but not as well as it could.
        case warning
        /// The service does not do what it is there for.
        case fault
        /// Could not be looked at, because something before it failed or is not configured.
        case skipped
    }

    /// What was looked at, in the order in which it is.
    enum Check: String, CaseIterable, Sendable, Encodable {
        case settings
        case access
        case address
        case connection
        case encryption
        case session
        case credentials
        case commands
        case keys
        case clientCommands = "client commands"
        case server
        case memory
        case latency
        case platform
    }

    private static let maximumCharacters = 400

    let check: Check
    let outcome: Outcome
    let result: String
    /// What to do about it; nil if there is nothing to do.
    let advice: String?

    /// What a server says of itself may be in the texts: they are cut short and lose their control characters.
    init(check: Check, outcome: Outcome, result: String, advice: String? = nil) {
        self.check = check
        self.outcome = outcome
        self.result = Self.printable(result)
        self.advice = advice.map { Self.printable($0) }
    }

    private static func printable(_ text: String) -> String {
        String(text.unicodeScalars.prefix(self.maximumCharacters).map { $0.properties.generalCategory == .control ? "?" : Character($0) })
    }

    static func ok(_ check: Check, _ result: String) -> Finding { Finding(check: check, outcome: .ok, result: result) }

    static func skipped(_ check: Check, _ result: String) -> Finding { Finding(check: check, outcome: .skipped, result: result) }

    static func warning(_ check: Check, _ result: String, _ advice: String) -> Finding {
        Finding(check: check, outcome: .warning, result: result, advice: advice)
    }

    static func fault(_ check: Check, _ result: String, _ advice: String) -> Finding {
        Finding(check: check, outcome: .fault, result: result, advice: advice)
    }
}
