extension RegistrationEvent {
    /// For a person.
    var summary: String {
        switch self {
        case .started, .waited: "begins"
        case .listed(let page): "\(page.agents.count) agents\(page.hasNext ? ", and more" : "")"
        case .saved(let row): "\(row.id) is \(row.status ?? "of no status")"
        case .gone: "not found"
        case .refused(let detail): "refused: \(detail)"
        case .failed(let reason): "failed: \(reason)"
        }
    }

    /// For a metric.
    var result: String {
        switch self {
        case .started, .waited, .listed, .saved: "ok"
        case .gone: "not_found"
        case .refused: "refused"
        case .failed: "failed"
        }
    }
}
