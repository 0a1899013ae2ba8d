package import Cache
import JSON
import NIOCore

/// What a request says of leases: `?lease=SECONDS`, `&wait=MILLISECONDS`, and the field `Cache-Lease`.
package enum LeaseParameters {
    /// What the query of a read asks for.
    package enum Query {
        /// No lease.
        case none
        case lease(LeaseRequest)
        case refused(Answer)
    }

    /// - Parameter field: the value of `Cache-Lease`; nil if there is none.
    package static func query(_ target: TargetText, field: String?) -> Query {
        guard target.query != nil, target.parameter("lease") != .missing else {
            // What is no token is a mistake of the client, even where nothing is done with one.
            if case .refused(let refusal) = self.proof(field) { return .refused(refusal) }
            return .none
        }
        var faults: [ValidationFault] = []
        let seconds = self.integer("lease", target, in: LeaseRequest.secondsRange, &faults)
        let wait = target.parameter("wait") == .missing ? 0 : self.integer("wait", target, in: LeaseRequest.waitRange, &faults)
        let token = field.map { self.token($0, &faults) } ?? nil
        guard let seconds, let wait, faults.isEmpty else { return .refused(.validation(faults)) }
        return .lease(LeaseRequest(seconds: seconds, waitMilliseconds: wait, token: token))
    }

    /// The lease that the field of a request proves.
    package enum Proof {
        case none
        case token(LeaseToken)
        case refused(Answer)
    }

    /// - Parameter conditions: of the same request, which a lease leaves no room for: it is one itself.
    package static func proof(_ field: String?, conditions: RequestConditions = RequestConditions()) -> Proof {
        guard let field else { return .none }
        var faults: [ValidationFault] = []
        let token = self.token(field, &faults)
        if !conditions.isEmpty {
            faults.append(
                ValidationFault(.valueError("a lease goes without If-Match and If-None-Match"), at: .header("cache-lease"), input: .null))
        }
        guard let token, faults.isEmpty else { return .refused(.validation(faults)) }
        return .token(token)
    }

    private static func token(_ text: String, _ faults: inout [ValidationFault]) -> LeaseToken? {
        if let token = LeaseToken(text) { return token }
        var input = ByteBuffer()
        JSONWriter.writeString(text, into: &input)
        faults.append(ValidationFault(.valueError("this is not the token of a lease"), at: .header("cache-lease"), input: .value(input)))
        return nil
    }

    private static func integer(
        _ name: String, _ target: TargetText, in range: ClosedRange<Int64>, _ faults: inout [ValidationFault]
    ) -> Int64? {
        let text = target.parameter(name).value ?? ByteBuffer()
        let kind: ValidationFault.Kind
        switch LaxInteger.nearestInteger(text.readableBytesUInt8Span)?.value {
        case nil: kind = .intParsing
        case let value? where value < range.lowerBound: kind = .greaterThanEqual(range.lowerBound)
        case let value? where value > range.upperBound: kind = .lessThanEqual(range.upperBound)
        case let value?: return value
        }
        var input = ByteBuffer()
        JSONWriter.writeString(ByteBuffer(string: String(buffer: text)), into: &input)
        faults.append(ValidationFault(kind, at: .query(name), input: .value(input)))
        return nil
    }
}
